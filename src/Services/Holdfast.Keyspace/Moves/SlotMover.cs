using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>What a mover wants done next. Whoever does it tells the mover how it went.</summary>
internal abstract record MoveTask
{
    private MoveTask()
    {
    }

    /// <summary>Ask the leader of the target.</summary>
    public sealed record Ask(MoveQuestion Question) : MoveTask;

    /// <summary>Have a step executed on the source, here.</summary>
    public sealed record Run(Action<CommandCall> Step) : MoveTask;

    /// <summary>Tell the directory that the slots are the target's.</summary>
    public sealed record Flip : MoveTask;

    /// <summary>Tell the directory that the move is over.</summary>
    public sealed record Finish(bool IsDone, string Note) : MoveTask;
}

/// <summary>
/// Drives one move on the leader of its source (S21): Open, copy, Seal, Adopt, Yield, the directory flips, Release, forget, Close. It knows how far the move is from the source's own log, and asks the target; of its
/// own it has nothing but the copy under way, which a later leader begins anew. Each task is given only when the one before has ended, committed in its group. Pure. For the shard's loop.
/// </summary>
internal sealed class SlotMover(ShardSeat seat, MoveId id, GroupId target, SlotRanges slots)
{
    private static readonly Mark Begun = new("keyspace: a move was begun");
    private static readonly Mark Resumed = new("keyspace: a move was resumed by a new leader of its source");
    private static readonly Mark ResumedSealed = new("keyspace: a move was resumed by a new leader after its seal");
    private static readonly Mark CopiedAnew = new("keyspace: the target of a move had lost the thread, and the copy began anew");
    private static readonly Mark Done = new("keyspace: slots moved");
    private static readonly Mark GivenUp = new("keyspace: a move was given up");

    private SlotStream? stream;
    private MoveAnswer last;
    private bool isPrepared;
    private bool isFlipped;
    private bool hasLooked;

    public MoveId Id => id;

    public GroupId Target => target;

    public SlotRanges Slots => slots;

    /// <summary>What an operator is told.</summary>
    public string Progress { get; private set; } = "";

    private ShardState State => seat.Machine.State;

    /// <summary>The next task.</summary>
    /// <param name="isCancelled">Whether the move is to be given up, if it still can be.</param>
    public MoveTask Next(bool isCancelled)
    {
        if (State.Slots.Outgoing.TryGetValue(id, out var move)) return Next(move, isCancelled);
        if (State.Slots.Ended.TryGetValue(id, out var isDone))
        {
            StopCopying();
            (isDone ? Done : GivenUp).Hit();
            return new MoveTask.Finish(isDone, isDone ? "" : last.Status == MoveStatus.Refused && !isCancelled ? "the target refused it" : "it was given up");
        }

        if (isCancelled) return new MoveTask.Finish(false, "it was given up before it began");
        if (!slots.AllIn(State.Slots.Owned)) return new MoveTask.Finish(false, $"group {seat.Group} does not serve all of the slots {slots}");
        if (State.Slots.Outgoing.Values.Any(other => other.Slots.Overlaps(slots))) return new MoveTask.Finish(false, "some of the slots are moving already");
        Begun.Hit();
        hasLooked = true;
        return new MoveTask.Run(call => call.RunOwn(MoveCommands.Words("hf.move.open", id, target.Value, slots)));
    }

    /// <summary>The target has answered; a default answer is none.</summary>
    public void OnAnswer(MoveQuestion question, MoveAnswer answer)
    {
        if (answer.Status == MoveStatus.Elsewhere) return;
        last = answer;
        if (stream is null || answer.Status is MoveStatus.Adopted or MoveStatus.Refused || question.Attempt != stream.Attempt) return;
        if (question.Verb == MoveVerb.Prepare)
        {
            if (answer.Attempt == stream.Attempt || answer.Status == MoveStatus.Unknown)
            {
                isPrepared = answer.Status == MoveStatus.Staging;
                return;
            }
        }
        else if (answer.Status == MoveStatus.Staging && answer.Attempt == stream.Attempt)
        {
            // A chunk that arrived although nobody said so is passed over; one that did not is sent again.
            if (answer.Chunks == stream.Due + 1 && stream.Chunk is not null) stream.Pass();
            if (answer.Chunks == stream.Due) return;
        }

        CopiedAnew.Hit();
        StopCopying();
    }

    /// <summary>The directory knows.</summary>
    public void OnFlipped() => isFlipped = true;

    /// <summary>This node leads the source no more.</summary>
    public void StopCopying()
    {
        if (State.Tracker is MoveTrackers trackers && stream is not null) trackers.Remove(stream);
        stream = null;
        isPrepared = false;
    }

    private MoveTask Next(OutgoingMove move, bool isCancelled)
    {
        if (!hasLooked)
        {
            hasLooked = true;
            (move.Phase == DeparturePhase.Open ? Resumed : ResumedSealed).Hit();
        }

        Progress = move.Phase.ToString();
        switch (move.Phase)
        {
            case DeparturePhase.Yielded:
                StopCopying();
                return isFlipped ? Run("hf.move.release") : new MoveTask.Flip();
            case DeparturePhase.Released:
                return State.CountIn(slots) > 0 ? new MoveTask.Run(call => MoveDoor.Drop(call, slots)) : Run("hf.move.close");
            default:
                return Copy(move, isCancelled);
        }
    }

    private MoveTask Copy(OutgoingMove move, bool isCancelled)
    {
        var isSealed = move.Phase == DeparturePhase.Sealed;
        if (isSealed && last.Status == MoveStatus.Adopted) return Run("hf.move.yield");
        if (last.Status == MoveStatus.Refused) return Run(isSealed ? "hf.move.takeback" : "hf.move.close");
        if (isCancelled && seat.Machine.Call.Node.Bug == PlantedShardBug.TakenBackUnasked) return Run(isSealed ? "hf.move.takeback" : "hf.move.close");
        if (isCancelled) return Ask(MoveVerb.Refuse, isSealed);
        if (stream is null or { IsBroken: true }) Begin();
        if (!isPrepared) return Ask(MoveVerb.Prepare, isSealed);
        if (stream!.Chunk is { } chunk) return new MoveTask.Ask(Question(MoveVerb.Stage, isSealed) with { Chunk = stream.Due, Bytes = chunk });
        if (isSealed && move.Seal.Attempt == stream.Attempt && seat.Machine.Call.Node.Bug == PlantedShardBug.ForgottenBeforeAdopted && State.CountIn(slots) > 0) return new MoveTask.Run(call => MoveDoor.Drop(call, slots));
        if (isSealed && move.Seal.Attempt == stream.Attempt) return new MoveTask.Ask(Question(MoveVerb.Adopt, isSealed) with { Epoch = move.Epoch, Seal = move.Seal });
        if (isSealed ? stream.IsWalked : stream.IsReadyForSeal) return new MoveTask.Run(Seal);
        var copying = stream;
        return new MoveTask.Run(_ => copying.ReadMore());
    }

    /// <summary>Executed at append: the slots are served no more, and the mark says what was sent, tail included.</summary>
    private void Seal(CommandCall call)
    {
        if (stream is null or { IsBroken: true }) return;
        stream.ReadRest();
        var mark = new SealMark(seat.Machine.Position.Index.Value, stream.Attempt, stream.Chunks, stream.Hash, State.CountIn(slots));
        call.RunOwn(MoveCommands.SealWords(id, mark));
    }

    private void Begin()
    {
        StopCopying();
        stream = new SlotStream(seat.Machine, slots, Math.Max(seat.Machine.Role.Term.Value << 20, last.Attempt) + 1);
        if (State.Tracker is not MoveTrackers trackers) State.Tracker = trackers = new MoveTrackers();
        trackers.Add(stream);
    }

    private MoveTask.Run Run(string name) => new(call => call.RunOwn(MoveCommands.Words(name, id)));

    private MoveTask.Ask Ask(MoveVerb verb, bool isSealed) => new(Question(verb, isSealed));

    private MoveQuestion Question(MoveVerb verb, bool isSealed) => new(verb, id, seat.Group, target, slots) { IsSealed = isSealed, Attempt = stream?.Attempt ?? 0 };
}

/// <summary>The copies that are under way in one shard.</summary>
internal sealed class MoveTrackers : IChangeTracker
{
    private readonly List<SlotStream> streams = [];

    public void Add(SlotStream stream) => streams.Add(stream);

    public void Remove(SlotStream stream) => streams.Remove(stream);

    public void OnChange(in KeyPlace place)
    {
        foreach (var stream in streams) stream.OnChange(place);
    }

    public void OnFlushed()
    {
        foreach (var stream in streams) stream.OnFlushed();
    }
}
