using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Sorted sets in RDB payloads: written as members with scores in eight bytes; listpacks, ziplists and scores as text are read too.</summary>
internal sealed class SortedSetDump : IDumpForm
{
    public ValueKind Kind => ValueKind.SortedSet;

    public ReadOnlySpan<RdbType> Types => [RdbType.SortedSet, RdbType.SortedSetText, RdbType.SortedSetListpack, RdbType.SortedSetZiplist];

    public void Write(CommandCall call, scoped in KeyPlace place, RdbWriter writer)
    {
        writer.Byte((byte)RdbType.SortedSet);
        writer.Length((ulong)SortedSetValue.CountOf(call.Keyspace, place));
        var writing = new Writing { Writer = writer };
        SortedSetValue.WalkAll(call, place, ref writing);
    }

    public bool TryRead(CommandCall call, RdbType type, ref RdbReader reader, scoped ref KeyPlace place, long expiry)
    {
        var (members, scores) = (call.Scratch.Gathered, call.Scratch.Scores);
        scores.Clear();
        var isPairs = type is RdbType.SortedSetListpack or RdbType.SortedSetZiplist;
        if (isPairs)
        {
            if (type == RdbType.SortedSetListpack) CollectionDump.ReadListpack(ref reader, members);
            else CollectionDump.ReadZiplist(ref reader, members);
            if (members.Count % 2 != 0) return false;
        }
        else
        {
            members.Clear();
            for (var left = reader.Count(2); left > 0 && reader.IsWhole; left--)
            {
                members.Add(reader.String());
                scores.Add(type == RdbType.SortedSet ? reader.Score() : reader.TextScore());
            }
        }

        var step = isPairs ? 2 : 1;
        if (!reader.IsWhole || members.Count == 0) return false;
        for (var i = 1; step == 2 && i < members.Count; i += 2)
        {
            if (!RespNumber.TryParse(members[i], out double score)) return false;
            scores.Add(score);
        }

        if (scores.Exists(double.IsNaN) || !CollectionDump.AreDistinct(members, step)) return false;
        CollectionDump.Clear(call, ref place);
        var edit = new SortedSetEdit(call, call.Keyspace.Locate(place.Key, place.Slot));
        for (var i = 0; i < scores.Count; i++) edit.Put(members[i * step], scores[i]);
        edit.Save();
        return CollectionDump.Finish(call, ref place, expiry);
    }

    private struct Writing : IScoreVisitor
    {
        public RdbWriter Writer;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            Writer.String(member);
            Writer.Score(score);
        }
    }
}
