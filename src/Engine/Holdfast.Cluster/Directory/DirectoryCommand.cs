using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

internal enum DirectoryCommandKind : byte
{
    Found = 1,
    UpdateMember = 2,
    SetSetting = 3,
    AddToken = 4,
    RevokeToken = 5,
    AddNode = 6,
    RemoveNode = 7,
    PlaceGroup = 8,
    FinishProcedure = 9,
    CreateGroup = 10,
    Recover = 11,
    DeleteGroup = 12,
    CompareSetting = 13,
    BeginMove = 14,
    CancelMove = 15,
}

/// <summary>The directory's commands as bytes: version, kind, fields. Each is idempotent: executed a second time it changes nothing.</summary>
public static class DirectoryCommand
{
    internal const byte Version = 1;

    /// <summary>The founding entry: what the genesis says. Refused once the directory has a cluster.</summary>
    public static byte[] Found(Genesis genesis)
    {
        var writer = Begin(DirectoryCommandKind.Found, out var buffer);
        genesis.Encode(writer);
        return buffer.Written.ToArray();
    }

    /// <summary>The first entry after a recovery by hand: a new cluster with the same content; all who belonged to the old one are fenced off for good (S12).</summary>
    public static byte[] Recover(Genesis genesis)
    {
        var writer = Begin(DirectoryCommandKind.Recover, out var buffer);
        genesis.Encode(writer);
        return buffer.Written.ToArray();
    }

    /// <summary>Deletes a data group; its id is never used again (S6).</summary>
    public static byte[] DeleteGroup(GroupId group)
    {
        var writer = Begin(DirectoryCommandKind.DeleteGroup, out var buffer);
        writer.WriteUInt64(group.Value);
        return buffer.Written.ToArray();
    }

    /// <summary>A member says anew where it is and what its binary can do.</summary>
    public static byte[] UpdateMember(MemberRecord member)
    {
        var writer = Begin(DirectoryCommandKind.UpdateMember, out var buffer);
        DirectoryCodec.Write(writer, member);
        return buffer.Written.ToArray();
    }

    /// <summary>Sets a setting; an empty value removes it.</summary>
    public static byte[] SetSetting(string key, string value)
    {
        var writer = Begin(DirectoryCommandKind.SetSetting, out var buffer);
        writer.WriteText(key);
        writer.WriteText(value);
        return buffer.Written.ToArray();
    }

    /// <summary>Sets a setting, or with an empty value removes it, if it has the value that the asker knows; empty for none.</summary>
    public static byte[] CompareSetting(string key, string known, string value)
    {
        var writer = Begin(DirectoryCommandKind.CompareSetting, out var buffer);
        writer.WriteText(key);
        writer.WriteText(known);
        writer.WriteText(value);
        return buffer.Written.ToArray();
    }

    /// <summary>Makes a join token known by its hash.</summary>
    /// <param name="hash">Hex SHA-256 of the secret.</param>
    /// <param name="lifetimeMicros">How long it holds, counted from the entry's stamped time.</param>
    /// <param name="usesMax">How many nodes it may admit.</param>
    public static byte[] AddToken(string hash, long lifetimeMicros, uint usesMax)
    {
        var writer = Begin(DirectoryCommandKind.AddToken, out var buffer);
        writer.WriteText(hash);
        writer.WriteUInt64((ulong)lifetimeMicros);
        writer.WriteUInt32(usesMax);
        return buffer.Written.ToArray();
    }

    /// <summary>Makes a join token worthless.</summary>
    public static byte[] RevokeToken(string hash)
    {
        var writer = Begin(DirectoryCommandKind.RevokeToken, out var buffer);
        writer.WriteText(hash);
        return buffer.Written.ToArray();
    }

    /// <summary>Admits a node and begins to add it; as the replacement of an old incarnation when a member of its name is there and <paramref name="mayReplace"/>.</summary>
    /// <param name="member">The newcomer.</param>
    /// <param name="tokenHash">The token that it showed, which is used up by this; empty when the asker checked in another way that the node may come in.</param>
    /// <param name="mayReplace">Whether it may take the place of a member of the same name.</param>
    public static byte[] AddNode(MemberRecord member, string tokenHash, bool mayReplace)
    {
        var writer = Begin(DirectoryCommandKind.AddNode, out var buffer);
        DirectoryCodec.Write(writer, member);
        writer.WriteText(tokenHash);
        writer.WriteFlag(mayReplace);
        return buffer.Written.ToArray();
    }

    /// <summary>Begins to remove a node.</summary>
    public static byte[] RemoveNode(NodeId node)
    {
        var writer = Begin(DirectoryCommandKind.RemoveNode, out var buffer);
        writer.WriteUInt64(node.Value);
        return buffer.Written.ToArray();
    }

    /// <summary>Says where a data group's replicas should be.</summary>
    public static byte[] PlaceGroup(GroupId group, ImmutableArray<ReplicaPlace> replicas)
    {
        var writer = Begin(DirectoryCommandKind.PlaceGroup, out var buffer);
        writer.WriteUInt64(group.Value);
        DirectoryCodec.Write(writer, replicas);
        return buffer.Written.ToArray();
    }

    /// <summary>Creates a data group; the reply's id is the group's.</summary>
    public static byte[] CreateGroup(string face, ImmutableArray<ReplicaPlace> replicas)
    {
        var writer = Begin(DirectoryCommandKind.CreateGroup, out var buffer);
        writer.WriteText(face);
        DirectoryCodec.Write(writer, replicas);
        return buffer.Written.ToArray();
    }

    /// <summary>Begins to move a part of a data group's content to another; the reply's id is the procedure's.</summary>
    public static byte[] BeginMove(GroupId source, GroupId target, string part)
    {
        var writer = Begin(DirectoryCommandKind.BeginMove, out var buffer);
        writer.WriteUInt64(source.Value);
        writer.WriteUInt64(target.Value);
        writer.WriteText(part);
        return buffer.Written.ToArray();
    }

    /// <summary>Asks that a move be given up, if it still can be.</summary>
    public static byte[] CancelMove(ulong procedure)
    {
        var writer = Begin(DirectoryCommandKind.CancelMove, out var buffer);
        writer.WriteUInt64(procedure);
        return buffer.Written.ToArray();
    }

    /// <summary>Ends a procedure.</summary>
    /// <param name="procedure">Its number.</param>
    /// <param name="isDone">False: it is given up.</param>
    /// <param name="note">Why it is given up.</param>
    public static byte[] FinishProcedure(ulong procedure, bool isDone, string note)
    {
        var writer = Begin(DirectoryCommandKind.FinishProcedure, out var buffer);
        writer.WriteUInt64(procedure);
        writer.WriteFlag(isDone);
        writer.WriteText(note);
        return buffer.Written.ToArray();
    }

    private static SpanWriter Begin(DirectoryCommandKind kind, out ByteBuffer buffer)
    {
        buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte((byte)kind);
        return writer;
    }
}

/// <summary>What the directory answered to a command.</summary>
/// <param name="Accepted">Whether it took effect, now or when it was first sent.</param>
/// <param name="Reason">Why not, in words for an operator.</param>
/// <param name="Id">The procedure's or the group's number, where one was begun or created.</param>
public sealed record DirectoryReply(bool Accepted, string Reason, ulong Id)
{
    internal static DirectoryReply Yes(ulong id = 0) => new(true, "", id);

    internal static DirectoryReply No(string reason) => new(false, reason, 0);

    /// <summary>Not a refusal: nobody decided. All commands are idempotent, so it may be asked again.</summary>
    internal static DirectoryReply Undecided(string reason) => new(false, reason, 0) { IsUndecided = true };

    /// <summary>Whether the directory did not decide, in time or at all.</summary>
    public bool IsUndecided { get; init; }
}
