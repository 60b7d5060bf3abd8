using System.Diagnostics;
using Holdfast.Replication;

namespace Holdfast.Bench.Core;

/// <summary>
/// Closed-loop proposers on the group's own loop, as a face that lives there proposes: when a proposal has ended, its proposer makes the next one.
/// Everything but the constructor and the results runs on the loop.
/// </summary>
internal sealed class Proposers(ReplicatedGroup group, int proposers, int entryBytes, LoadClock clock)
{
    private readonly byte[] command = new byte[entryBytes];
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int endedProposers;

    /// <summary>Microseconds of each proposal that was applied while it was counted.</summary>
    public List<int> Latencies { get; } = new(1 << 20);

    /// <summary>Proposals that ended in any other way.</summary>
    public int Errors { get; private set; }

    /// <summary>Completes when every proposer has seen that the time is over.</summary>
    public Task Ended => ended.Task;

    public void Begin()
    {
        for (var i = 0; i < proposers; i++) new Proposer(this).Propose();
    }

    private void OnEnded()
    {
        if (++endedProposers == proposers) ended.TrySetResult();
    }

    private sealed class Proposer(Proposers all) : IProposalCompletion
    {
        private long begun;

        public void Propose()
        {
            begun = Stopwatch.GetTimestamp();
            all.Group.Propose(all.command, default, this);
        }

        public void OnCompleted(in ProposeOutcome outcome)
        {
            if (!outcome.IsApplied) all.Errors++;
            else if (all.Clock.IsCounting) all.Latencies.Add((int)Stopwatch.GetElapsedTime(begun).TotalMicroseconds);
            if (outcome.IsApplied && !all.Clock.IsOver) Propose();
            else all.OnEnded();
        }
    }

    private ReplicatedGroup Group => group;

    private LoadClock Clock => clock;

    /// <summary>A query is how a caller from outside gets onto the loop.</summary>
    internal sealed class Start(Proposers all) : Query<bool>
    {
        protected override bool Run(in QueryContext context)
        {
            all.Begin();
            return Result = true;
        }
    }
}
