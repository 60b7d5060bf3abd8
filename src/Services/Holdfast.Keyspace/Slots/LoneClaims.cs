using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// What a node without a cluster was told that it shall have once it is part of one: slots (CLUSTER ADDSLOTS) and a config epoch. Nobody is served from them until then. Immutable; kept on the node's disk.
/// </summary>
/// <param name="Slots">The slots.</param>
/// <param name="Epoch">The config epoch that tools gave to it; shown, and of no consequence: epochs come from the shards' logs.</param>
internal sealed record LoneClaims(SlotRanges Slots, ulong Epoch)
{
    private const byte Version = 1;

    public static LoneClaims None { get; } = new(SlotRanges.Of([]), 0);

    public LoneClaims With(SlotRanges slots, bool isIn)
    {
        var set = new SlotSet();
        Slots.Put(set, true);
        slots.Put(set, isIn);
        return this with { Slots = SlotRanges.Of(set) };
    }

    public byte[] Encode()
    {
        var buffer = new ByteBuffer(64);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteUInt64(Epoch);
        Slots.Write(writer);
        return buffer.Written.ToArray();
    }

    /// <summary>What the disk says; nothing when it says nothing that can be read.</summary>
    public static LoneClaims Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        if (bytes.Length == 0 || reader.ReadByte() != Version) return None;
        var epoch = reader.ReadUInt64();
        var slots = SlotRanges.Read(ref reader);
        return reader.IsWhole ? new LoneClaims(slots, epoch) : None;
    }
}
