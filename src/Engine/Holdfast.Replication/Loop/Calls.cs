using System.Diagnostics;
using System.Threading.Tasks.Sources;
using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>A proposal from another thread: the call, its completion and its awaitable in one reused object.</summary>
internal sealed class ProposeCall : LoopCall, IProposalCompletion, IValueTaskSource<ProposeOutcome>
{
    private const int SpareMax = 1024;

    private static readonly Stack<ProposeCall> Spare = new();

    private ManualResetValueTaskSourceCore<ProposeOutcome> core;
    private Replica? replica;
    private ReadOnlyMemory<byte> command;
    private ProposeOptions options;
    private EnvelopeFlags flags;

    public static ProposeCall Rent(Replica replica, ReadOnlyMemory<byte> command, in ProposeOptions options, EnvelopeFlags flags)
    {
        ProposeCall? call;
        lock (Spare) Spare.TryPop(out call);
        call ??= new ProposeCall();
        (call.replica, call.command, call.options, call.flags) = (replica, command, options, flags);
        call.Span = WriteTrace.Begin(replica.Group);
        call.core.RunContinuationsAsynchronously = !replica.Loop.CompletesInline;
        return call;
    }

    /// <summary>The proposal's span, when it is traced.</summary>
    public Activity? Span { get; private set; }

    /// <summary>What is proposed; the caller leaves it as it is until the call has ended.</summary>
    public ReadOnlySpan<byte> Command => command.Span;

    public ProposeOptions Options => options;

    public EnvelopeFlags Flags => flags;

    public ValueTask<ProposeOutcome> Task => new(this, core.Version);

    public override void Run(Instant now) => replica!.Proposals.Propose(now, command.Span, options, flags, this);

    public override void Refuse() => OnCompleted(ProposeOutcome.Of(replica!.Loop.IsStopping ? ProposalStatus.Stopped : ProposalStatus.Busy));

    public void OnCompleted(in ProposeOutcome outcome)
    {
        if (!outcome.IsApplied) replica!.Meters.ProposalsFailed.Increment();
        if (Span is { } span) EndSpan(span, outcome);
        core.SetResult(outcome);
    }

    private void EndSpan(Activity span, in ProposeOutcome outcome)
    {
        if (!outcome.IsApplied) span.SetStatus(ActivityStatusCode.Error, outcome.Status.ToString());
        span.Stop();
        Span = null;
    }

    public ProposeOutcome GetResult(short token)
    {
        var outcome = core.GetResult(token);
        core.Reset();
        (replica, command) = (null, default);
        lock (Spare)
            if (Spare.Count < SpareMax) Spare.Push(this);
        return outcome;
    }

    public ValueTaskSourceStatus GetStatus(short token) => core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags how) => core.OnCompleted(continuation, state, token, how);
}

/// <summary>A read barrier asked from another thread.</summary>
internal sealed class ReadCall(Replica replica, ReadConsistency consistency) : LoopCall, IReadCompletion
{
    private readonly TaskCompletionSource<ReadGrant> done = new(replica.Loop.Completion);

    public ValueTask<ReadGrant> Task => new(done.Task);

    public override void Run(Instant now) => replica.Reads.Ask(now, consistency, this);

    public override void Refuse() => done.TrySetResult(default);

    public void OnGrant(in ReadGrant grant) => done.TrySetResult(grant);
}

/// <summary>A query on its way: first through the barrier, then in slices on the loop.</summary>
internal abstract class QueryCall(Replica replica, ReadConsistency consistency) : LoopCall, IReadCompletion
{
    protected Replica Replica { get; } = replica;

    protected ReadGrant Grant { get; private set; }

    public override void Run(Instant now) => Replica.Reads.Ask(now, consistency, this);

    public void OnGrant(in ReadGrant grant)
    {
        Grant = grant;
        if (grant.IsGranted) Replica.Loop.Run(this);
        else Refuse();
    }

    /// <summary>Runs for a slice; true when the query has ended.</summary>
    public abstract bool RunSlice(SliceBudget budget);
}

/// <summary>A query with its result.</summary>
internal sealed class QueryCall<TResult>(Replica replica, Query<TResult> query, ReadConsistency consistency, CancellationToken cancellation) : QueryCall(replica, consistency)
{
    private readonly TaskCompletionSource<TResult> done = new(replica.Loop.Completion);
    private bool hasRun;

    public Task<TResult> Task => done.Task;

    public override void Refuse() => done.TrySetException(new ReadRefusedException());

    public override bool RunSlice(SliceBudget budget)
    {
        if (cancellation.IsCancellationRequested) return done.TrySetCanceled(cancellation) || true;
        if (!Replica.Restoring.IsReady)
        {
            Refuse(); // The state was lost between two slices.
            return true;
        }

        // An entry in the middle of being applied is not to be seen by a read.
        if (Replica.State!.IsMidEntry) return false;
        if (!hasRun && !query.Run(new QueryContext(Grant, Replica.State.Applied.Index, budget))) return false;
        if (!hasRun && Replica.Execution is { IsSettled: false })
        {
            // It may have seen what was executed after its grant: the result waits at the barrier until that is committed (S18).
            hasRun = true;
            Replica.Reads.Ask(Replica.Loop.Now, ReadConsistency.Strong, this);
            return true;
        }

        done.TrySetResult(query.Result);
        return true;
    }
}

/// <summary>Something small to be done on a loop, with an answer.</summary>
internal sealed class AskCall<TAnswer>(Func<Instant, TAnswer> ask, TAnswer refused) : LoopCall
{
    private readonly TaskCompletionSource<TAnswer> done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<TAnswer> Task => done.Task;

    public override void Run(Instant now) => done.TrySetResult(ask(now));

    public override void Refuse() => done.TrySetResult(refused);
}
