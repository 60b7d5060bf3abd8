using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus.Tests;

/// <summary>One replica with a disk that knows what has been made durable, and a state machine that remembers commands.</summary>
internal sealed class RaftReplica(RaftCluster cluster, NodeId id)
{
    private readonly Effects effects = new();
    private readonly Queue<PersistedBatch> disk = new();
    private readonly List<NodeId> withdrawn = [];
    private HardState durableState;
    private List<Entry> durableEntries = [];
    private LogPosition snapshot;
    private Configuration snapshotConfiguration = Configuration.Empty;

    private sealed record PersistedBatch(PersistRequest Request, List<Entry> Entries);

    public NodeId Id { get; } = id;

    public bool IsUp { get; set; } = true;

    /// <summary>The process stands still: it neither ticks nor answers.</summary>
    public bool IsPaused { get; set; }

    /// <summary>The disk takes writes but does not finish them.</summary>
    public bool DiskStalled { get; set; }

    public RaftNode Node { get; private set; } = null!;

    public SupportTable Support { get; private set; } = null!;

    public List<string> Applied { get; } = [];

    public List<ReadReady> Reads { get; } = [];

    public List<LogIndex> Truncations { get; } = [];

    public Outbound<OfferSnapshot>? SnapshotWanted { get; private set; }

    /// <summary>Set when this process was elected by all (S8).</summary>
    public RollHeld? RollHeld { get; private set; }

    public LogIndex DurableLast => durableEntries.Count == 0 ? snapshot.Index : durableEntries[^1].Position.Index;

    public void Start(RaftStart start, RaftOptions options, uint boot, Instant now)
    {
        IsUp = true;
        disk.Clear();
        Applied.RemoveRange((int)Math.Min((ulong)Applied.Count, start.Snapshot.Index.Value), Applied.Count - (int)Math.Min((ulong)Applied.Count, start.Snapshot.Index.Value));
        snapshotConfiguration = start.Configuration;
        Support = new SupportTable(boot);
        Node = new RaftNode(options, start, Support, new SeededRandom(Id.Value * 7919 + boot), now);
    }

    /// <summary>What a restart finds: the durable part only.</summary>
    public RaftStart Recovered() => new()
    {
        Self = Id,
        Group = new GroupId(7),
        HardState = durableState,
        Snapshot = snapshot,
        Configuration = snapshotConfiguration,
        Entries = [.. durableEntries],
        IsRestart = true,
    };

    public ProposeResult Propose(string command) => Node.Propose(cluster.Now, Encoding.UTF8.GetBytes(command));

    public void Tick(Instant now)
    {
        if (!IsUp || IsPaused) return;
        Support.WithdrawLapsed(now, withdrawn);
        foreach (var node in withdrawn) Node.OnSupportWithdrawn(now, node);
        if (now >= Node.Deadline) Node.Tick(now);
    }

    public void Turn(Instant now)
    {
        if (!IsUp || IsPaused) return;
        if (!DiskStalled)
        {
            while (disk.TryDequeue(out var batch))
            {
                Store(batch);
                Node.OnDurable(now, batch.Request.Token);
            }
        }

        effects.Clear();
        Node.Flush(now, effects);
        CarryOut(now);
    }

    /// <summary>Takes a snapshot of what is applied and lets the log forget it.</summary>
    public void Compact()
    {
        var through = Node.Applied;
        snapshotConfiguration = Node.ConfigurationAt(through);
        snapshot = new LogPosition(Node.Log.TermAt(through)!.Value, through);
        durableEntries.RemoveAll(entry => entry.Position.Index <= through);
        Node.Compact(through);
    }

    /// <summary>Installs another replica's newest snapshot, as the runtime would after fetching it.</summary>
    public void InstallFrom(RaftReplica source)
    {
        snapshot = source.snapshot;
        snapshotConfiguration = source.snapshotConfiguration;
        if (Node.Log.Matches(snapshot)) durableEntries.RemoveAll(entry => entry.Position.Index <= snapshot.Index);
        else durableEntries.Clear();
        Applied.Clear();
        Applied.AddRange(source.Applied.Take((int)snapshot.Index.Value));
        Node.OnSnapshotInstalled(cluster.Now, snapshot, snapshotConfiguration);
        SnapshotWanted = null;
    }

    private void Store(PersistedBatch batch)
    {
        var request = batch.Request;
        if (request.TruncateFrom != LogIndex.Zero) durableEntries.RemoveAll(entry => entry.Position.Index >= request.TruncateFrom);
        if (request.HardState is { } state) durableState = state;
        foreach (var entry in batch.Entries)
            if (entry.Position.Index > snapshot.Index) durableEntries.Add(entry);
    }

    private void CarryOut(Instant now)
    {
        if (effects.Persist is { } persist)
        {
            var entries = new List<Entry>();
            for (var i = 0; i < persist.Count; i++)
            {
                var entry = Node.Log[persist.First + (ulong)i];
                entries.Add(entry with { Payload = entry.Payload.ToArray() });
            }

            disk.Enqueue(new PersistedBatch(persist, entries));
            cluster.Send(Id, Id, "disk", static _ => { });
        }

        if (effects.TruncatedFrom != LogIndex.Zero) Truncations.Add(effects.TruncatedFrom);
        for (var index = Node.Applied.Next; index <= effects.CommittedTo; index = index.Next)
        {
            var entry = Node.Log[index];
            Applied.Add(entry.Kind == EntryKind.Command ? Encoding.UTF8.GetString(entry.Payload.Span) : $"<{entry.Kind}>");
            Node.OnApplied(index);
        }

        foreach (var read in effects.Reads.Items) Reads.Add(read);
        if (effects.SnapshotWanted is { } wanted) SnapshotWanted = wanted;
        if (effects.RollHeld is { } held) RollHeld = held;
        SendMessages();
    }

    private void SendMessages()
    {
        foreach (var (to, message) in effects.RequestVotes.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.VoteReplies.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.AppendReplies.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.SnapshotOffers.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.TimeoutNows.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.VoteReleases.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.RollCalls.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.RollAnswers.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.ReadIndexRequests.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.ReadIndexReplies.Items) cluster.Send(Id, to, MessageText.Of(message), target => target.Node.Step(cluster.Now, Id, message));
        foreach (var (to, message) in effects.Appends.Items)
        {
            var buffer = new ByteBuffer(256);
            EntryBatch.Encode(new SpanWriter(buffer), Node.Log, message.First, message.Count, message.StripPayload);
            var encoded = buffer.Written.ToArray();
            cluster.Send(Id, to, MessageText.Of(message), target =>
            {
                var reader = new SpanReader(encoded);
                Assert.True(EntryBatch.TryDecode(ref reader, out var batch));
                target.Node.Step(cluster.Now, Id, message.Header, batch);
            });
        }
    }
}
