using System.Diagnostics;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// The writes of one leader that are being traced (R1.12): from the proposal through its own log and its AppendEntries to each follower, until commit, apply, and the last acknowledgement.
/// The slow follower is the one whose span is long. A write that entered at a follower has two <c>propose</c> spans, the leader's below the follower's, which names its trace in a frame of its own just before it
/// forwards the write. Untraced writes cost one look at whether somebody listens; a traced one is recorded when each thing happens and told as spans with those times.
/// </summary>
public sealed class WriteTrace
{
    /// <summary>Where the spans come from: <c>propose</c>, and below it <c>wal</c>, <c>append</c> (with the tag <c>peer</c>), <c>commit</c> and <c>apply</c>.</summary>
    public static readonly ActivitySource Source = new("Holdfast.Replication");

    /// <summary>Writes under way that are followed at once. Beyond it a write has its <c>propose</c> span and nothing below it.</summary>
    private const int FollowedMax = 64;

    /// <summary>Traces that followers have named and whose writes have not come; when there are more, the oldest is forgotten, and that write is not traced here.</summary>
    private const int AnnouncedMax = 64;

    /// <summary>An acknowledgement that has not come by then is told as missing.</summary>
    private static readonly TimeSpan AckPatience = TimeSpan.FromSeconds(10);

    private readonly Replica replica;
    private readonly List<Followed> followed = [];
    private readonly List<(ProposalId Id, ActivityContext Parent)> announced = [];

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

    /// <summary>Says which trace a forwarded proposal belongs to (W3C Trace Context: 16 bytes, 8 bytes, flags).</summary>
    internal static void Announce(SpanWriter frame, ulong number, in ActivityContext trace)
    {
        Span<byte> ids = stackalloc byte[24];
        trace.TraceId.CopyTo(ids[..16]);
        trace.SpanId.CopyTo(ids[16..]);
        frame.WriteUInt64(number);
        frame.WriteBytes(ids);
        frame.WriteByte((byte)trace.TraceFlags);
    }

    /// <summary>A follower named the trace of what it forwards next. Kept only while somebody listens here as well.</summary>
    internal void OnAnnounced(NodeId from, ref SpanReader reader)
    {
        var id = new ProposalId(from, reader.ReadUInt64());
        var ids = reader.Take(24);
        var flags = (ActivityTraceFlags)reader.ReadByte();
        if (!reader.IsWhole || !Source.HasListeners()) return;
        if (announced.Count >= AnnouncedMax) announced.RemoveAt(0);
        announced.Add((id, new ActivityContext(ActivityTraceId.CreateFromBytes(ids[..16]), ActivitySpanId.CreateFromBytes(ids[16..]), flags, isRemote: true)));
    }

    /// <summary>What a follower forwarded stands in our log: it is followed from here like our own, below a span of its own.</summary>
    internal void OnForwardAppended(ProposalId id, LogIndex index)
    {
        if (announced.Count == 0) return;
        var place = announced.FindIndex(one => one.Id == id);
        if (place < 0) return;
        var parent = announced[place].Parent;
        announced.RemoveAt(place);
        if (followed.Count >= FollowedMax) return;
        var current = Activity.Current;
        var span = Source.StartActivity("propose", ActivityKind.Server, parent, startTime: Wall());
        Activity.Current = current;
        if (span is null) return;
        span.SetTag("group", replica.Group.Value).SetTag("forwarded_from", id.Origin.ToString());
        OnAppended(index, span);
        followed[^1].Own = span;
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
                End(write, "leadership lost");
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
                End(write, null);
            }

            var isOverdue = now - write.Since > AckPatience;
            if (isOverdue)
                foreach (var silent in write.Unacknowledged) Tell("append", write, write.AppendedAt, silent, isMissing: true);
            if (!isOverdue && !(write.IsApplied && write.IsDurable && write.Unacknowledged.Count == 0)) continue;
            followed.RemoveAt(i);
            End(write, "not applied");
        }
    }

    private DateTimeOffset Wall() => DateTimeOffset.UnixEpoch.AddTicks(replica.Loop.WallMicros() * 10);

    /// <summary>Ends the span of a write that a follower forwarded; a client's own ends with its answer.</summary>
    private void End(Followed write, string? fault)
    {
        if (write.Own is not { } span) return;
        if (fault is not null) span.SetStatus(ActivityStatusCode.Error, fault);
        span.SetEndTime(Wall().UtcDateTime);
        span.Stop();
        write.Own = null;
    }

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

        /// <summary>The span that the others hang below, when it is ours to end.</summary>
        public Activity? Own { get; set; }

        public DateTimeOffset CommittedAt { get; set; }

        public bool IsDurable { get; set; }

        public bool IsApplied { get; set; }
    }
}
