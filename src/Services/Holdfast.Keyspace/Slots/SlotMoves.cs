using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>The number of a move: the directory's procedure of that number. Never used again.</summary>
internal readonly record struct MoveId(ulong Value) : IComparable<MoveId>
{
    public int CompareTo(MoveId other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>How far slots are that leave a shard, by its own log.</summary>
internal enum DeparturePhase : byte
{
    /// <summary>Served here, and copied.</summary>
    Open = 1,

    /// <summary>Served by nobody: what they hold changes no more. Only the target's word ends this (S21).</summary>
    Sealed = 2,

    /// <summary>The target has committed that it has them: clients are sent there.</summary>
    Yielded = 3,

    /// <summary>The directory knows; the keys here are being forgotten.</summary>
    Released = 4,
}

/// <summary>How far slots are that come to a shard, by its own log.</summary>
internal enum ArrivalPhase : byte
{
    /// <summary>Keys are staged, served to nobody.</summary>
    Staging = 1,

    /// <summary>They will not come: what is staged is being forgotten.</summary>
    Refused = 2,
}

/// <summary>What the target must have staged to adopt: named by the seal, checked by the target (S21).</summary>
/// <param name="Index">The place of the seal in the source's log.</param>
/// <param name="Attempt">Which attempt at copying it belongs to.</param>
/// <param name="Chunks">How many chunks it has, tail included.</param>
/// <param name="Hash">A chain over the bytes of all of them, in order.</param>
/// <param name="Keys">How many keys the slots have.</param>
internal readonly record struct SealMark(ulong Index, ulong Attempt, ulong Chunks, ulong Hash, long Keys);

/// <summary>Slots that leave.</summary>
/// <param name="Id">The move.</param>
/// <param name="Target">Who shall have them.</param>
/// <param name="Slots">Which.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="Epoch">The epoch of the seal; the target adopts them at a higher one.</param>
/// <param name="Seal">What was sealed.</param>
internal sealed record OutgoingMove(MoveId Id, GroupId Target, SlotRanges Slots, DeparturePhase Phase, ulong Epoch, SealMark Seal);

/// <summary>Slots that come. What is staged stands in the tables of the slots themselves, which nobody is served from.</summary>
/// <param name="Id">The move.</param>
/// <param name="Source">Who has them.</param>
/// <param name="Slots">Which.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="Attempt">Which attempt at copying is under way: a new leader of the source begins a new one.</param>
/// <param name="Chunks">Chunks staged in this attempt.</param>
/// <param name="Hash">The chain over them.</param>
internal sealed record IncomingMove(MoveId Id, GroupId Source, SlotRanges Slots, ArrivalPhase Phase, ulong Attempt, ulong Chunks, ulong Hash)
{
    /// <summary>In the place of the number of chunks: keys are there that belong to no attempt, and go first.</summary>
    public const ulong Broken = ulong.MaxValue;

    /// <summary>Whether what is staged is what came in this attempt.</summary>
    public bool IsWhole => Chunks != Broken;

    /// <summary>What does not make a whole key yet, in pieces.</summary>
    public ImmutableArray<byte[]> Unread { get; init; } = [];
}

/// <summary>The moves of a shard as bytes, in its snapshot.</summary>
internal static class MoveCodec
{
    private const int MovesMax = 4096;

    public static void Write(SpanWriter writer, OutgoingMove move)
    {
        writer.WriteUInt64(move.Id.Value);
        writer.WriteUInt64(move.Target.Value);
        move.Slots.Write(writer);
        writer.WriteByte((byte)move.Phase);
        writer.WriteUInt64(move.Epoch);
        foreach (var number in (ulong[])[move.Seal.Index, move.Seal.Attempt, move.Seal.Chunks, move.Seal.Hash, (ulong)move.Seal.Keys]) writer.WriteUInt64(number);
    }

    public static OutgoingMove ReadOutgoing(ref SpanReader reader) => new(
        new MoveId(reader.ReadUInt64()), new GroupId(reader.ReadUInt64()), SlotRanges.Read(ref reader), (DeparturePhase)reader.ReadByte(), reader.ReadUInt64(),
        new SealMark(reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), (long)reader.ReadUInt64()));

    public static void Write(SpanWriter writer, IncomingMove move)
    {
        writer.WriteUInt64(move.Id.Value);
        writer.WriteUInt64(move.Source.Value);
        move.Slots.Write(writer);
        writer.WriteByte((byte)move.Phase);
        foreach (var number in (ulong[])[move.Attempt, move.Chunks, move.Hash]) writer.WriteUInt64(number);
        writer.WriteUInt16((ushort)move.Unread.Length);
        foreach (var piece in move.Unread) writer.WriteBlock(piece);
    }

    public static IncomingMove ReadIncoming(ref SpanReader reader)
    {
        var move = new IncomingMove(
            new MoveId(reader.ReadUInt64()), new GroupId(reader.ReadUInt64()), SlotRanges.Read(ref reader), (ArrivalPhase)reader.ReadByte(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64());
        var pieces = ImmutableArray.CreateBuilder<byte[]>();
        for (var left = (int)reader.ReadUInt16(); left > 0 && reader.IsWhole; left--) pieces.Add(reader.ReadBlock().ToArray());
        return move with { Unread = pieces.ToImmutable() };
    }

    public static int Count(ref SpanReader reader) => (int)Math.Min(reader.ReadUInt32(), MovesMax);
}
