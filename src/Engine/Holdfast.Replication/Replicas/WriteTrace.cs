using System.Diagnostics;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>
/// The writes of one leader that are being traced (R1.12): from the proposal through its own log and its AppendEntries to each follower, until commit, apply, and the last acknowledgement.
/// The slow follower is the one whose span is long. Untraced writes cost one look at whether somebody listens; a traced one is recorded when each thing happens and told as spans with those times.
/// </summary>
public sealed class WriteTrace
{
    /// <summary>Where the spans come from: <c>propose</c>, and below it <c>wal</c>, <c>append</c> (with the tag <c>peer</c>), <c>commit</c> and <c>apply</c>.</summary>
    public static readonly ActivitySource Source = new("Holdfast.Replication");

    /// <summary>Writes under way that are followed at once. Beyond it a write has its <c>propose</c> span and nothing below it.</summary>
    private const int FollowedMax = 64;

    /// <summary>An acknowledgement that has not come by then is told as missing.</summary>
    private static readonly TimeSpan AckPatience = TimeSpan.FromSeconds(10);

    private readonly Replica replica;
    private readonly List<Followed> followed = [];

    internal WriteTrace(Replica replica) => this.replica = replica;

    internal bool IsIdle => followed.Count == 0;

    /// <summary>A span for a proposal, when somebody listens and wants this one; the caller stops it.</summary>
    internal static Activity? Begin(GroupId group)
    {
        if (!Source.HasListeners()) return null;
        var current = Activity.Current;
        var span = Source.StartActivity("propose", ActivityKind.Internal);
        Activity.Current = current; // It ends on another thread, and nothing here happens inside it.
        span?.SetTag("group", group.Value);
        return span is { IsAllDataRequested: true } ? span : null;
    }

    internal void OnAppended(LogIndex index, Activity proposal)
    {
        proposal.SetTag("index", index.Value);
        proposal.SetTag("term", replica.Node.Term.Value);
        if (followed.Count >= FollowedMax) return;
        followed.Add(new Followed(index, replica.Node.Term, proposal.Context, Wall(), replica.Loop.Now, [.. replica.Node.Configuration.Members.ToArray().Where(member => member.Node != replica.Node.Self).Select(member => member.Node)]));
    }

    internal void OnDurable(LogIndex durable)
    {
        foreach (var write in followed)
        {
            if (write.IsDurable || write.Index > durable) continue;
            write.IsDurable = true;
            Tell("wal", write, write.AppendedAt, NodeId.None);
        }
    }

    internal void OnAcknowledged(NodeId from, LogIndex match)
    {
        foreach (var write in followed)
            if (write.Index <= match && write.Unacknowledged.Remove(from)) Tell("append", write, write.AppendedAt, from);
    }

    /// <summary>Commit, apply, and the end of those of which everything is told.</summary>
    internal void OnProgress(Instant now, LogIndex commit, LogIndex applied)
    {
        for (var i = followed.Count - 1; i >= 0; i--)
        {
            var write = followed[i];
            if (replica.Node.Role != RaftRole.Leader || replica.Node.Term != write.Term)
            {
                followed.RemoveAt(i); // What becomes of it another leader decides: its spans so far stand.
                continue;
            }

            if (write.CommittedAt == default && write.Index <= commit)
            {
                Tell("commit", write, write.AppendedAt, NodeId.None);
                write.CommittedAt = Wall();
            }

            if (write.CommittedAt != default && !write.IsApplied && write.Index <= applied)
            {
                write.IsApplied = true;
                Tell("apply", write, write.CommittedAt, NodeId.None);
            }

            var isOverdue = now - write.Since > AckPatience;
            if (isOverdue)
                foreach (var silent in write.Unacknowledged) Tell("append", write, write.AppendedAt, silent, isMissing: true);
            if (isOverdue || (write.IsApplied && write.IsDurable && write.Unacknowledged.Count == 0)) followed.RemoveAt(i);
        }
    }

    private DateTimeOffset Wall() => DateTimeOffset.UnixEpoch.AddTicks(replica.Loop.WallMicros() * 10);

    private void Tell(string name, Followed write, DateTimeOffset from, NodeId peer, bool isMissing = false)
    {
        var current = Activity.Current;
        using var span = Source.StartActivity(name, ActivityKind.Internal, write.Parent, startTime: from);
        if (span is not null)
        {
            if (peer != NodeId.None) span.SetTag("peer", peer.ToString());
            if (isMissing) span.SetStatus(ActivityStatusCode.Error, "not acknowledged");
            span.SetEndTime(Wall().UtcDateTime);
            span.Stop();
        }

        Activity.Current = current;
    }

    private sealed class Followed(LogIndex index, Term term, ActivityContext parent, DateTimeOffset appendedAt, Instant since, HashSet<NodeId> unacknowledged)
    {
        public LogIndex Index { get; } = index;

        public Term Term { get; } = term;

        public ActivityContext Parent { get; } = parent;

        public DateTimeOffset AppendedAt { get; } = appendedAt;

        public Instant Since { get; } = since;

        public HashSet<NodeId> Unacknowledged { get; } = unacknowledged;

        public DateTimeOffset CommittedAt { get; set; }

        public bool IsDurable { get; set; }

        public bool IsApplied { get; set; }
    }
}
