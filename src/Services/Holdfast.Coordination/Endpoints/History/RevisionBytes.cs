using System.Buffers.Binary;
using Google.Protobuf;
using Holdfast.Coordination.Kv;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Endpoints.History;

/// <summary>One change as etcd stores it: under its revision, the key and value as a <c>mvccpb.KeyValue</c>. HashKV and snapshots are made of these bytes.</summary>
internal static class RevisionBytes
{
    /// <summary>The length of a revision: main, an underscore, sub.</summary>
    public const int Length = 17;

    /// <summary>A deletion's key has a mark behind the revision.</summary>
    public const int LengthMax = Length + 1;

    /// <summary>Writes the revision of a change; returns how many bytes it took.</summary>
    public static int Write(Span<byte> target, in KeyVersion version)
    {
        Write(target, version.Mod, version.Sub);
        if (version.IsLive) return Length;
        target[Length] = (byte)'t';
        return LengthMax;
    }

    /// <summary>Writes a revision.</summary>
    public static void Write(Span<byte> target, long main, long sub)
    {
        BinaryPrimitives.WriteInt64BigEndian(target, main);
        target[8] = (byte)'_';
        BinaryPrimitives.WriteInt64BigEndian(target[9..], sub);
    }

    /// <summary>What stands under the revision: for a deletion the key alone.</summary>
    public static IMessage Content(in HistoryItem item) =>
        item.Version.IsLive ? Stored.ToKeyValue(item.Key, item.Version) : new KeyValue { Key = Bytes.Wrap(item.Key) };
}
