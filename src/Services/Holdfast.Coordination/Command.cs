using System.Buffers.Binary;
using Google.Protobuf;
using Holdfast.Coordination.Leases;
using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>What an entry of the etcd keyspace asks for: its first byte. Part of the log's format: never renumber.</summary>
internal enum CommandKind : byte
{
    /// <summary>A PutRequest.</summary>
    Put = 1,

    /// <summary>A DeleteRangeRequest.</summary>
    DeleteRange = 2,

    /// <summary>A TxnRequest.</summary>
    Txn = 3,

    /// <summary>A CompactionRequest.</summary>
    Compact = 4,

    /// <summary>A LeaseGrantRequest whose id was drawn before it was proposed: replicas have no dice.</summary>
    LeaseGrant = 5,

    /// <summary>A client's LeaseRevokeRequest.</summary>
    LeaseRevoke = 6,

    /// <summary>A LeaseKeepAliveRequest from a member that does not lead: counts a renewal, and the leader that applies it starts the lease's time anew.</summary>
    LeaseKeepAlive = 7,

    /// <summary>The leader's finding that a lease has run out: its id, the renewals that it knew, and its term, eight bytes each.</summary>
    LeaseExpire = 8,

    /// <summary>A client's AlarmRequest.</summary>
    Alarm = 16,

    /// <summary>An AlarmRequest by which a member raises or clears its own alarm.</summary>
    OwnAlarm = 17,

    /// <summary>A cluster was recovered by hand (S12): the revision leaves out so many numbers, eight bytes, that lost nodes may have given.</summary>
    SkipRevisions = 32,
}

/// <summary>Commands as bytes: the kind, then the request in protobuf.</summary>
internal static class Command
{
    /// <summary>The bytes to propose.</summary>
    public static byte[] Encode(CommandKind kind, IMessage request)
    {
        var bytes = new byte[1 + request.CalculateSize()];
        bytes[0] = (byte)kind;
        request.WriteTo(bytes.AsSpan(1));
        return bytes;
    }

    /// <summary>The bytes that propose to leave out revisions.</summary>
    public static byte[] EncodeSkip(long revisions)
    {
        var bytes = new byte[9];
        bytes[0] = (byte)CommandKind.SkipRevisions;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(1), revisions);
        return bytes;
    }

    /// <summary>The bytes that propose a lease's expiry, found by the leader of a term.</summary>
    public static byte[] EncodeExpiry(ExpiredLease lease, Term term)
    {
        var bytes = new byte[25];
        bytes[0] = (byte)CommandKind.LeaseExpire;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(1), lease.Id);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(9), lease.Renewals);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(17), term.Value);
        return bytes;
    }
}

/// <summary>
/// What a command gave: a response whose header has the revision, or an error. The state machine knows neither its cluster nor its member, so the
/// face fills in the rest of the header.
/// </summary>
/// <param name="Message">The response, or null.</param>
/// <param name="Error">The failure, or null.</param>
/// <param name="Revision">The store's revision after the command.</param>
/// <param name="Term">The term in which the command was proposed.</param>
internal sealed record CommandReply(IMessage? Message, EtcdError? Error, long Revision, Term Term);
