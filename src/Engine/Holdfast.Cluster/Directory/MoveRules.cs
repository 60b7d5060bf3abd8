using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>What commands about moves between data groups do to the directory. Whether the groups agree is decided in their own logs; the directory only remembers what was asked for, until it is done.</summary>
internal static class MoveRules
{
    private const int PartBytesMax = 64 * 1024;

    public static DirectoryReply Begin(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var (source, target) = (new GroupId(reader.ReadUInt64()), new GroupId(reader.ReadUInt64()));
        var part = reader.ReadText();
        if (!reader.IsWhole || part.Length is 0 or > PartBytesMax) return DirectoryReply.No("the command is not whole");
        if (source == target) return DirectoryReply.No("source and target are the same group");
        if (!view.Groups.TryGetValue(source, out var from)) return DirectoryReply.No($"there is no data group {source}");
        if (!view.Groups.TryGetValue(target, out var to)) return DirectoryReply.No($"there is no data group {target}");
        if (from.Face != to.Face) return DirectoryReply.No($"group {source} is of the face {from.Face}, group {target} of {to.Face}");
        var move = new GroupMove(source, target, part, false);
        foreach (var (id, procedure) in view.Procedures)
            if (procedure.State == ProcedureState.Running && procedure.Move == move) return DirectoryReply.Yes(id);
        if (DirectoryRules.CountRunning(view) >= DirectoryRules.RunningProceduresMax) return DirectoryReply.No("too many moves and membership changes are under way");
        var begun = new ProcedureRecord(view.NextProcedure, ProcedureKind.MovePart, NodeId.None, NodeId.None, ProcedureState.Running, "") { Move = move };
        after = view with { Procedures = view.Procedures.Add(begun.Id, begun), NextProcedure = view.NextProcedure + 1 };
        return DirectoryReply.Yes(begun.Id);
    }

    public static DirectoryReply Cancel(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var id = reader.ReadUInt64();
        if (!reader.IsWhole) return DirectoryReply.No("the command is not whole");
        if (!view.Procedures.TryGetValue(id, out var procedure) || procedure.Move is not { } move) return DirectoryReply.No($"there is no move {id}");
        if (procedure.State != ProcedureState.Running || move.IsCancelled) return DirectoryReply.Yes(id);
        after = view with { Procedures = view.Procedures.SetItem(id, procedure with { Move = move with { IsCancelled = true } }) };
        return DirectoryReply.Yes(id);
    }
}
