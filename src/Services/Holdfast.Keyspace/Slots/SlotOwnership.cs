using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// Which slots a shard owns, by its own log: the authority, whatever the directory says (DESIGN section 6). It begins with nothing; the layout that the directory wrote once is claimed by the shard's first
/// leader, once; afterwards slots come and go by moves only (S21). Every transition is a pure function of an entry and of this state, idempotent, and false when it may not be.
/// </summary>
internal sealed class SlotOwnership
{
    /// <summary>Moves that have ended and are remembered, so that a late word about one finds out how it ended. A source asks long before so many others have ended.</summary>
    private const int EndedMax = 1024;

    /// <summary>Moves of one shard at once, each way.</summary>
    private const int MovesMax = 64;

    private static readonly Mark SealedAgain = new("keyspace: slots were sealed again by a new leader, and copied anew");
    private static readonly Mark AdoptRefused = new("keyspace: slots were not adopted, because what is staged is not what was sealed");
    private static readonly Mark TakenBack = new("keyspace: a shard took sealed slots back");

    /// <summary>The slots that it serves.</summary>
    public SlotSet Owned { get; private init; } = new();

    /// <summary>Rises with every change of the slots; the shard's part of a config epoch.</summary>
    public ulong Epoch { get; private set; }

    /// <summary>Slots that leave, by move.</summary>
    public ImmutableSortedDictionary<MoveId, OutgoingMove> Outgoing { get; private set; } = ImmutableSortedDictionary<MoveId, OutgoingMove>.Empty;

    /// <summary>Slots that come, by move.</summary>
    public ImmutableSortedDictionary<MoveId, IncomingMove> Incoming { get; private set; } = ImmutableSortedDictionary<MoveId, IncomingMove>.Empty;

    /// <summary>Moves that have ended: whether the slots went over. Those of the target side are here from the moment they are adopted or refused.</summary>
    public ImmutableSortedDictionary<MoveId, bool> Ended { get; private set; } = ImmutableSortedDictionary<MoveId, bool>.Empty;

    /// <summary>Whether the first claim was made.</summary>
    public bool IsClaimed => Epoch > 0;

    /// <summary>Whether what some slots hold must not change: they are sealed, and the target may not have all of it yet.</summary>
    public bool HasSealed => Outgoing.Values.Any(move => move.Phase is DeparturePhase.Sealed or DeparturePhase.Yielded);

    /// <summary>A copy, to be changed while this stays as it was.</summary>
    public SlotOwnership Copy() => new() { Owned = Owned.Copy(), Epoch = Epoch, Outgoing = Outgoing, Incoming = Incoming, Ended = Ended };

    /// <summary>The move that a slot leaves by; null when it leaves by none.</summary>
    public OutgoingMove? LeavingBy(int slot)
    {
        foreach (var (_, move) in Outgoing)
            if (move.Slots.Contains(slot)) return move;
        return null;
    }

    /// <summary>The move that a slot comes by; null when it comes by none.</summary>
    public IncomingMove? ComingBy(int slot)
    {
        foreach (var (_, move) in Incoming)
            if (move.Slots.Contains(slot)) return move;
        return null;
    }

    /// <summary>Takes the slots of the layout; once.</summary>
    public bool TryClaim(ReadOnlySpan<(int First, int Last)> ranges)
    {
        if (IsClaimed) return false;
        foreach (var (first, last) in ranges) Owned.Add(first, last);
        Epoch = 1;
        return true;
    }

    /// <summary>Source: begins a move of slots that are all served here.</summary>
    public bool TryOpen(MoveId id, GroupId target, SlotRanges slots)
    {
        if (!IsClaimed || slots.IsEmpty || Outgoing.Count >= MovesMax || Outgoing.ContainsKey(id) || Ended.ContainsKey(id)) return false;
        if (!slots.AllIn(Owned) || Outgoing.Values.Any(move => move.Slots.Overlaps(slots))) return false;
        Put(new OutgoingMove(id, target, slots, DeparturePhase.Open, 0, default));
        return true;
    }

    /// <summary>Source: serves the slots no more. Again, by a later leader that copies what is sealed anew: only the mark changes.</summary>
    public bool TrySeal(MoveId id, SealMark mark)
    {
        if (!Outgoing.TryGetValue(id, out var move)) return false;
        switch (move.Phase)
        {
            case DeparturePhase.Open:
                move.Slots.Put(Owned, false);
                Put(move with { Phase = DeparturePhase.Sealed, Epoch = ++Epoch, Seal = mark });
                return true;
            case DeparturePhase.Sealed when mark.Attempt > move.Seal.Attempt:
                SealedAgain.Hit();
                Put(move with { Seal = mark });
                return true;
            default:
                return false;
        }
    }

    /// <summary>Source: the target has committed that it has them.</summary>
    public bool TryYield(MoveId id) => TryAdvance(id, DeparturePhase.Sealed, DeparturePhase.Yielded);

    /// <summary>Source: the directory says so too.</summary>
    public bool TryRelease(MoveId id) => TryAdvance(id, DeparturePhase.Yielded, DeparturePhase.Released);

    /// <summary>Source: the move is over, because its keys are forgotten here or because it was given up before the seal.</summary>
    public bool TryClose(MoveId id)
    {
        if (!Outgoing.TryGetValue(id, out var move) || move.Phase is not (DeparturePhase.Open or DeparturePhase.Released)) return false;
        Outgoing = Outgoing.Remove(id);
        End(id, move.Phase == DeparturePhase.Released);
        return true;
    }

    /// <summary>Source: takes sealed slots back. Only after the target has committed that it refuses them (S21).</summary>
    public bool TryTakeBack(MoveId id)
    {
        if (!Outgoing.TryGetValue(id, out var move) || move.Phase != DeparturePhase.Sealed) return false;
        TakenBack.Hit();
        move.Slots.Put(Owned, true);
        Epoch++;
        Outgoing = Outgoing.Remove(id);
        End(id, false);
        return true;
    }

    /// <summary>Target: makes ready for an attempt. A later attempt begins anew: it is broken until what an earlier one staged is forgotten, and then asked for again.</summary>
    /// <param name="id">The move.</param>
    /// <param name="source">Who has the slots.</param>
    /// <param name="slots">Which.</param>
    /// <param name="attempt">Which attempt.</param>
    /// <param name="isEmpty">Whether the slots hold no keys here.</param>
    /// <param name="isSealed">Whether the source has sealed them: then the move was known here before, and if it is not now, how it ended is forgotten, and nothing may be made of it.</param>
    public bool TryPrepare(MoveId id, GroupId source, SlotRanges slots, ulong attempt, bool isEmpty, bool isSealed)
    {
        if (Ended.ContainsKey(id)) return false;
        if (Incoming.TryGetValue(id, out var known))
        {
            if (known.Phase != ArrivalPhase.Staging || attempt < known.Attempt || (attempt == known.Attempt && (known.IsWhole || !isEmpty))) return false;
        }
        else if (isSealed || !isEmpty || !IsClaimed || slots.IsEmpty || Incoming.Count >= MovesMax || slots.AnyIn(Owned) || Outgoing.Values.Any(move => move.Slots.Overlaps(slots)) || Incoming.Values.Any(move => move.Slots.Overlaps(slots)))
        {
            return false;
        }

        Put(new IncomingMove(id, source, slots, ArrivalPhase.Staging, attempt, isEmpty ? 0 : IncomingMove.Broken, 0));
        return true;
    }

    /// <summary>Target: the next chunk of an attempt; null when another one is due.</summary>
    public IncomingMove? TryStage(MoveId id, ulong attempt, ulong chunk) =>
        Incoming.TryGetValue(id, out var move) && move.Phase == ArrivalPhase.Staging && move.Attempt == attempt && move.Chunks == chunk ? move : null;

    /// <summary>Target: a chunk is staged.</summary>
    public void OnStaged(IncomingMove staged) => Put(staged);

    /// <summary>Target: what is staged must be what was sealed, to the byte and to the key; then the slots are served here, at a higher epoch.</summary>
    public bool TryAdopt(MoveId id, ulong epoch, SealMark mark, long keysStaged, bool raisesEpoch = true)
    {
        if (!Incoming.TryGetValue(id, out var move) || move.Phase != ArrivalPhase.Staging) return false;
        if (move.Attempt != mark.Attempt || move.Chunks != mark.Chunks || move.Hash != mark.Hash || keysStaged != mark.Keys || !move.Unread.IsEmpty)
        {
            AdoptRefused.Hit();
            return false;
        }

        move.Slots.Put(Owned, true);
        Epoch = Math.Max(Epoch, epoch) + (raisesEpoch ? 1UL : 0);
        Incoming = Incoming.Remove(id);
        End(id, true);
        return true;
    }

    /// <summary>Target: the slots will never come by this move. What is staged is forgotten afterwards.</summary>
    public bool TryRefuse(MoveId id, bool isSealed)
    {
        if (Ended.ContainsKey(id)) return false;
        if (!Incoming.TryGetValue(id, out var move))
        {
            if (isSealed) return false;
        }
        else
        {
            Put(move with { Phase = ArrivalPhase.Refused, Unread = [] });
        }

        Epoch++;
        End(id, false);
        return true;
    }

    /// <summary>Target: what a refused move had staged is forgotten.</summary>
    public bool TryForget(MoveId id)
    {
        if (!Incoming.TryGetValue(id, out var move) || move.Phase != ArrivalPhase.Refused) return false;
        Incoming = Incoming.Remove(id);
        return true;
    }

    /// <summary>Whether keys in a slot may be forgotten: nobody is served from it, and no seal holds it.</summary>
    public bool MayDrop(int slot, bool isEager = false) => !Owned[slot] && (isEager || LeavingBy(slot) is null or { Phase: DeparturePhase.Released });

    /// <summary>All keys are gone (FLUSHALL), staged ones too: attempts at copying begin anew.</summary>
    public void OnFlushed()
    {
        foreach (var (_, move) in Incoming)
            if (move.Chunks > 0) Put(move with { Chunks = IncomingMove.Broken, Unread = [] });
    }

    /// <summary>The ownership as bytes.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="hasMoves">False for a planted bug: without the moves under way.</param>
    public void Write(SpanWriter writer, bool hasMoves = true)
    {
        writer.WriteUInt64(Epoch);
        Owned.Write(writer);
        var (outgoing, incoming) = hasMoves ? (Outgoing, Incoming) : (Outgoing.Clear(), Incoming.Clear());
        writer.WriteUInt32((uint)outgoing.Count);
        foreach (var (_, move) in outgoing) MoveCodec.Write(writer, move);
        writer.WriteUInt32((uint)incoming.Count);
        foreach (var (_, move) in incoming) MoveCodec.Write(writer, move);
        writer.WriteUInt32((uint)Ended.Count);
        foreach (var (id, isAdopted) in Ended)
        {
            writer.WriteUInt64(id.Value);
            writer.WriteByte((byte)(isAdopted ? 1 : 0));
        }
    }

    public bool TryRead(ref SpanReader reader, bool hasMoves = true)
    {
        Epoch = reader.ReadUInt64();
        Owned.Read(ref reader);
        if (!hasMoves) return reader.IsWhole;
        for (var left = MoveCodec.Count(ref reader); left > 0 && reader.IsWhole; left--) Put(MoveCodec.ReadOutgoing(ref reader));
        for (var left = MoveCodec.Count(ref reader); left > 0 && reader.IsWhole; left--) Put(MoveCodec.ReadIncoming(ref reader));
        for (var left = MoveCodec.Count(ref reader); left > 0 && reader.IsWhole; left--) Ended = Ended.SetItem(new MoveId(reader.ReadUInt64()), reader.ReadByte() != 0);
        return reader.IsWhole;
    }

    private bool TryAdvance(MoveId id, DeparturePhase from, DeparturePhase to)
    {
        if (!Outgoing.TryGetValue(id, out var move) || move.Phase != from) return false;
        Put(move with { Phase = to });
        return true;
    }

    private void Put(OutgoingMove move) => Outgoing = Outgoing.SetItem(move.Id, move);

    private void Put(IncomingMove move) => Incoming = Incoming.SetItem(move.Id, move);

    private void End(MoveId id, bool isAdopted)
    {
        Ended = Ended.SetItem(id, isAdopted);
        while (Ended.Count > EndedMax) Ended = Ended.Remove(Ended.Keys.First());
    }
}
