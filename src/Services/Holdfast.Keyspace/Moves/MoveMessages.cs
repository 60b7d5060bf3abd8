using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>What the source of a move asks of the target.</summary>
internal enum MoveVerb : byte
{
    /// <summary>How far is it?</summary>
    Look = 0,

    /// <summary>Make ready for an attempt at copying.</summary>
    Prepare = 1,

    /// <summary>Here is the next chunk.</summary>
    Stage = 2,

    /// <summary>Take the slots: what you have staged is what was sealed.</summary>
    Adopt = 3,

    /// <summary>Say that you will never take them.</summary>
    Refuse = 4,
}

/// <summary>A question about a move, to the leader of its target. Each may be asked again.</summary>
internal sealed record MoveQuestion(MoveVerb Verb, MoveId Id, GroupId Source, GroupId Target, SlotRanges Slots)
{
    /// <summary>Whether the source has sealed the slots.</summary>
    public bool IsSealed { get; init; }

    /// <summary>Which attempt at copying.</summary>
    public ulong Attempt { get; init; }

    /// <summary>The chunk's number, from 0.</summary>
    public ulong Chunk { get; init; }

    public byte[] Bytes { get; init; } = [];

    /// <summary>The epoch of the seal.</summary>
    public ulong Epoch { get; init; }

    public SealMark Seal { get; init; }

    public byte[] Encode()
    {
        var buffer = new ByteBuffer(256 + Bytes.Length);
        var writer = new SpanWriter(buffer);
        writer.WriteByte((byte)Verb);
        foreach (var number in (ulong[])[Id.Value, Source.Value, Target.Value]) writer.WriteUInt64(number);
        Slots.Write(writer);
        writer.WriteByte((byte)(IsSealed ? 1 : 0));
        foreach (var number in (ulong[])[Attempt, Chunk, Epoch, Seal.Index, Seal.Attempt, Seal.Chunks, Seal.Hash, (ulong)Seal.Keys]) writer.WriteUInt64(number);
        writer.WriteBlock(Bytes);
        return buffer.Written.ToArray();
    }

    /// <summary>Reads a question; null when it is not whole.</summary>
    public static MoveQuestion? Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var question = new MoveQuestion((MoveVerb)reader.ReadByte(), new MoveId(reader.ReadUInt64()), new GroupId(reader.ReadUInt64()), new GroupId(reader.ReadUInt64()), SlotRanges.Read(ref reader))
        {
            IsSealed = reader.ReadByte() != 0,
            Attempt = reader.ReadUInt64(),
            Chunk = reader.ReadUInt64(),
            Epoch = reader.ReadUInt64(),
            Seal = new SealMark(reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), (long)reader.ReadUInt64()),
            Bytes = reader.ReadBlock().ToArray(),
        };
        return reader.IsWhole ? question : null;
    }
}

/// <summary>What the target of a move says, from what it has committed.</summary>
internal enum MoveStatus : byte
{
    /// <summary>Whoever was asked does not lead the target, or could not commit: ask again.</summary>
    Elsewhere = 0,

    /// <summary>The move is not known.</summary>
    Unknown = 1,

    /// <summary>What an earlier attempt had staged is being forgotten: ask again.</summary>
    Clearing = 2,

    /// <summary>Keys are staged.</summary>
    Staging = 3,

    /// <summary>The slots are the target's.</summary>
    Adopted = 4,

    /// <summary>They will never be, by this move.</summary>
    Refused = 5,
}

/// <summary>The target's answer.</summary>
/// <param name="Status">How far the move is there.</param>
/// <param name="Attempt">The attempt that is being staged.</param>
/// <param name="Chunks">How many chunks of it have arrived.</param>
internal readonly record struct MoveAnswer(MoveStatus Status, ulong Attempt, ulong Chunks)
{
    public byte[] Encode()
    {
        var buffer = new ByteBuffer(32);
        var writer = new SpanWriter(buffer);
        writer.WriteByte((byte)Status);
        writer.WriteUInt64(Attempt);
        writer.WriteUInt64(Chunks);
        return buffer.Written.ToArray();
    }

    public static MoveAnswer Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var answer = new MoveAnswer((MoveStatus)reader.ReadByte(), reader.ReadUInt64(), reader.ReadUInt64());
        return reader.IsWhole ? answer : default;
    }

    /// <summary>What a shard's own state says about a move that comes to it.</summary>
    public static MoveAnswer Of(SlotOwnership slots, MoveId id)
    {
        if (slots.Ended.TryGetValue(id, out var isAdopted)) return new MoveAnswer(isAdopted ? MoveStatus.Adopted : MoveStatus.Refused, 0, 0);
        if (!slots.Incoming.TryGetValue(id, out var move)) return new MoveAnswer(MoveStatus.Unknown, 0, 0);
        return new MoveAnswer(move.IsWhole ? MoveStatus.Staging : MoveStatus.Clearing, move.Attempt, move.Chunks);
    }
}
