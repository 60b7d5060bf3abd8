using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// The steps of moves (S21), as they stand in the logs of source and target. Each changes nothing when it may not be: because it was done already, or because the log has decided otherwise meanwhile.
/// Numbers are decimal, slots "0-5460,9000".
/// </summary>
internal sealed class MoveCommands : ICommandFamily
{
    private static readonly Mark Unreadable = new("keyspace: a move was refused because a key that came with it cannot be read by this program", elsewhere: "ForeignBytesTests: simulated nodes run one program");

    public void Bind(CommandTable table)
    {
        table.AddInternal("hf.move.open", call => Step(call, slots => call.Count == 4 && Slots(call, 3) is { } ranges && slots.TryOpen(Id(call), new GroupId(Number(call, 2)), ranges)));
        table.AddInternal("hf.move.seal", call => Step(call, slots => call.Count == 7 && slots.TrySeal(Id(call), Seal(call, 2))));
        table.AddInternal("hf.move.yield", call => Step(call, slots => slots.TryYield(Id(call))));
        table.AddInternal("hf.move.release", call => Step(call, slots => slots.TryRelease(Id(call))));
        table.AddInternal("hf.move.close", Close);
        table.AddInternal("hf.move.takeback", call => Step(call, slots => slots.TryTakeBack(Id(call))));
        table.AddInternal("hf.move.prepare", Prepare);
        table.AddInternal("hf.move.stage", Stage);
        table.AddInternal("hf.move.adopt", Adopt);
        table.AddInternal("hf.move.refuse", call => Step(call, slots => call.Count == 3 && slots.TryRefuse(Id(call), Number(call, 2) != 0)));
        table.AddInternal("hf.move.forget", Forget);
        table.AddInternal("hf.move.drop", Drop);
    }

    /// <summary>The words of a step.</summary>
    public static List<byte[]> Words(string name, params object[] arguments)
    {
        var words = new List<byte[]> { System.Text.Encoding.ASCII.GetBytes(name) };
        foreach (var argument in arguments)
            words.Add(argument as byte[] ?? System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{argument}")));
        return words;
    }

    public static List<byte[]> SealWords(MoveId id, SealMark mark) => Words("hf.move.seal", id, mark.Attempt, mark.Chunks, mark.Hash, mark.Keys, mark.Index);

    public static List<byte[]> AdoptWords(MoveId id, ulong epoch, SealMark mark) => Words("hf.move.adopt", id, epoch, mark.Attempt, mark.Chunks, mark.Hash, mark.Keys, mark.Index);

    private static void Step(CommandCall call, Func<SlotOwnership, bool> change)
    {
        // What may not be changes nothing, not even the before-images: asked of a copy first.
        var state = call.Shard.State;
        if (call.Mode == CallMode.Execute && !change(state.Slots.Copy())) return;
        var epoch = state.Slots.Epoch;
        if (!change(state.ChangeSlots())) return;
        call.CountChanges(1);
        if (state.Slots.Epoch != epoch) call.Shard.Watches.BreakAll();
    }

    private static MoveId Id(CommandCall call) => new(Number(call, 1));

    private static ulong Number(CommandCall call, int at) =>
        at < call.Count && ulong.TryParse(call[at], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static SlotRanges? Slots(CommandCall call, int at) => SlotRanges.Parse(System.Text.Encoding.ASCII.GetString(call[at]));

    private static SealMark Seal(CommandCall call, int at) => new(Number(call, at + 4), Number(call, at), Number(call, at + 1), Number(call, at + 2), (long)Number(call, at + 3));

    /// <summary>hf.move.close ID: when no key of the slots is left here, or the move was given up before the seal.</summary>
    private static void Close(CommandCall call)
    {
        var state = call.Shard.State;
        if (!state.Slots.Outgoing.TryGetValue(Id(call), out var move) || (move.Phase == DeparturePhase.Released && state.CountIn(move.Slots) > 0)) return;
        Step(call, slots => slots.TryClose(Id(call)));
    }

    /// <summary>hf.move.prepare ID SOURCE SLOTS ATTEMPT SEALED</summary>
    private static void Prepare(CommandCall call)
    {
        if (call.Count != 6 || Slots(call, 3) is not { } ranges) return;
        var isEmpty = call.Shard.State.CountIn(ranges) == 0;
        Step(call, slots => slots.TryPrepare(Id(call), new GroupId(Number(call, 2)), ranges, Number(call, 4), isEmpty, Number(call, 5) != 0));
    }

    /// <summary>hf.move.stage ID ATTEMPT CHUNK BYTES</summary>
    private static void Stage(CommandCall call)
    {
        var state = call.Shard.State;
        if (call.Count != 5 || state.Slots.TryStage(Id(call), Number(call, 2), Number(call, 3)) is not { } move) return;
        var pieces = move.Unread.Add(call[4].ToArray());
        var staged = move with { Chunks = move.Chunks + 1, Hash = StageCodec.Chain(move.Hash, call[4]), Unread = pieces };
        var isReadable = true;
        if (HasWholeKey(pieces))
        {
            var joined = Joined(pieces);
            var reader = new SpanReader(joined);
            while (isReadable && SnapshotCodec.HasRecord(reader.Rest)) isReadable = StageCodec.TryPut(ref reader, state, move.Slots);
            staged = staged with { Unread = reader.Rest.IsEmpty ? [] : [reader.Rest.ToArray()] };
        }

        var slots = state.ChangeSlots();
        slots.OnStaged(staged);
        call.CountChanges(1);
        if (isReadable) return;
        Unreadable.Hit();
        slots.TryRefuse(move.Id, isSealed: true);
    }

    private static byte[] Joined(ImmutableArray<byte[]> pieces)
    {
        if (pieces.Length == 1) return pieces[0];
        var joined = new byte[pieces.Sum(static piece => piece.Length)];
        var at = 0;
        foreach (var piece in pieces)
        {
            piece.CopyTo(joined, at);
            at += piece.Length;
        }

        return joined;
    }

    private static bool HasWholeKey(ImmutableArray<byte[]> pieces)
    {
        Span<byte> head = stackalloc byte[4];
        var (have, length) = (0, 0L);
        foreach (var piece in pieces)
        {
            for (var i = 0; i < piece.Length && have < head.Length; i++) head[have++] = piece[i];
            length += piece.Length;
        }

        return have == head.Length && length - head.Length >= BinaryPrimitives.ReadUInt32LittleEndian(head);
    }

    /// <summary>hf.move.adopt ID EPOCH ATTEMPT CHUNKS HASH KEYS INDEX</summary>
    private static void Adopt(CommandCall call)
    {
        if (call.Count != 8 || !call.Shard.State.Slots.Incoming.TryGetValue(Id(call), out var move)) return;
        var keys = call.Shard.State.CountIn(move.Slots);
        var mark = Seal(call, 3);
        if (call.Node.Bug == PlantedShardBug.AdoptUnchecked) mark = new SealMark(mark.Index, move.Attempt, move.Chunks, move.Hash, keys);
        Step(call, slots => slots.TryAdopt(Id(call), Number(call, 2), mark, keys, raisesEpoch: call.Node.Bug != PlantedShardBug.EpochNotRaised));
    }

    /// <summary>hf.move.forget ID: a refused move, once nothing is staged any more.</summary>
    private static void Forget(CommandCall call)
    {
        if (!call.Shard.State.Slots.Incoming.TryGetValue(Id(call), out var move) || call.Shard.State.CountIn(move.Slots) > 0) return;
        Step(call, slots => slots.TryForget(Id(call)));
    }

    /// <summary>hf.move.drop KEY …: keys of slots that nobody is served from here.</summary>
    private static void Drop(CommandCall call)
    {
        for (var i = 1; i < call.Count; i++)
        {
            var place = call.Keyspace.Locate(call[i]);
            if (!place.Exists || !call.Shard.State.Slots.MayDrop(place.Slot, isEager: call.Node.Bug == PlantedShardBug.ForgottenBeforeAdopted)) continue;
            call.Keyspace.Remove(ref place);
            call.CountChanges(1);
        }
    }
}
