using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>What an entry and a snapshot say about themselves to those who keep them without applying them: their stamped time, and the feature level they raise.</summary>
public static class EntryStamp
{
    /// <summary>The time that the leader stamped on a command, in microseconds since the Unix epoch. False for entries of the protocol's own, which have none.</summary>
    public static bool TryRead(in Entry entry, out long timeMicros)
    {
        timeMicros = 0;
        if (entry.Kind != EntryKind.Command) return false;
        var reader = new SpanReader(entry.Payload.Span);
        if (!Envelope.TryDecode(ref reader, out var envelope)) return false;
        timeMicros = envelope.TimeMicros;
        return true;
    }

    /// <summary>The feature level that an entry raises its group to; zero for every other entry.</summary>
    public static uint LevelRaisedBy(in Entry entry)
    {
        if (entry.Kind != EntryKind.Command) return 0;
        var reader = new SpanReader(entry.Payload.Span);
        if (!Envelope.TryDecode(ref reader, out var envelope) || !envelope.Has(EnvelopeFlags.Control)) return 0;
        return (ControlKind)reader.ReadByte() == ControlKind.RaiseFeatureLevel ? (uint)reader.ReadUInt64() : 0;
    }

    /// <summary>The stamped time of the last command in a snapshot, from its first chunk; null when that is not the beginning of one.</summary>
    public static long? OfSnapshot(ReadOnlySpan<byte> firstChunk)
    {
        var reader = new SpanReader(firstChunk);
        reader.ReadByte(); // Whether the section ends with this chunk.
        if (reader.ReadByte() != GroupState.SectionVersion) return null;
        MessageCodec.ReadPosition(ref reader);
        var time = (long)reader.ReadUInt64();
        return reader.IsWhole ? time : null;
    }

    /// <summary>The highest feature level that a recovered log reaches: the snapshot's, or that of an entry after it. A program that does not know it must not run the group (S5).</summary>
    public static uint HighestLevel(uint atSnapshot, IEnumerable<Entry> entries)
    {
        var highest = atSnapshot;
        foreach (var entry in entries) highest = Math.Max(highest, LevelRaisedBy(entry));
        return highest;
    }
}
