using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Watches a prefix for the whole run, now at one node and now at another, resuming where it stood. It must be told each change once, in order, a revision
/// never split, nothing left out, and with the right value before; unless what it wants was compacted, and then it must be told that.
/// </summary>
internal sealed class WatchClient(ClusterWorld world, int number) : ClusterClient(world)
{
    private static readonly Mark Resumed = new("sim: a watch was resumed at another node");
    private static readonly Mark CompactedUnder = new("sim: a watcher's revision was compacted under it");

    private readonly string prefix = (number % 3) switch { 0 => "k/", 1 => LeaseClient.Prefix, _ => "" };
    private Stream? stream;
    private long next = 1;
    private long toldAt;

    /// <summary>Goes on when others have ended: what they did last is to be told too.</summary>
    protected override bool IsOver => World.Clock.Now > (World.Options.Storm + World.Options.Calm - TimeSpan.FromSeconds(2)).Ticks;

    public override string? Missing()
    {
        var behind = Wanted(next, long.MaxValue).Count;
        return behind == 0 ? null : $"was not told {behind} changes from revision {next} on";
    }

    protected override void Act()
    {
        if (stream is null || !stream.IsOpen || Dice.Chance(0.1) || World.Clock.Now - toldAt > TimeSpan.FromSeconds(2).Ticks) Open();
        else if (Dice.Chance(0.5)) stream.AskProgress();
        Later(Dice.NextSpan(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(900)));
    }

    private void Open()
    {
        if (stream is not null) Resumed.Hit();
        stream?.Close();
        toldAt = World.Clock.Now;
        Target = Dice.Next(World.Options.Machines);
        // A machine outside of the group hears of nothing; at the end there is no time left to find that out.
        if (World.IsHealed && World.LeaderOf(ClusterWorld.Keyspace) is { } leader && !leader.GroupOf(ClusterWorld.Keyspace).Status.Configuration.Contains(World.Machines[Target].Node)) Target = leader.Machine.Slot;
        if (World.Machines[Target].Process is not { IsAlive: true, IsPaused: false } process) return;
        var opened = stream = new Stream(this, process, Dice.Next(1, 8));
        opened.Create(new WatchCreateRequest
        {
            Key = Text(prefix.Length == 0 ? "\0" : prefix),
            RangeEnd = Text(prefix.Length == 0 ? "\0" : prefix[..^1] + (char)(prefix[^1] + 1)),
            StartRevision = next,
            PrevKv = true,
            ProgressNotify = Dice.Chance(0.5),
        });
    }

    /// <summary>The changes that this watch wants, from one revision to another.</summary>
    private List<KeyChange> Wanted(long from, long through)
    {
        var wanted = new List<KeyChange>();
        var changes = World.KeyspaceChronicle.Changes;
        for (var place = World.KeyspaceChronicle.PlaceOf(from); place < changes.Count && changes[place].Mod <= through; place++)
            if (changes[place].Key.StartsWith(prefix, StringComparison.Ordinal)) wanted.Add(changes[place]);
        return wanted;
    }

    private void Hear(Stream from, WatchResponse response)
    {
        if (from != stream) return; // Given up: what comes now is not believed.
        toldAt = World.Clock.Now;
        Count((ulong)response.Events.Count ^ (ulong)response.Header.Revision << 16);
        if (response.CompactRevision > 0)
        {
            CompactedUnder.Hit();
            ClusterCheck.Require(response.CompactRevision <= World.KeyspaceChronicle.CompactedMax, $"watch {number} was told of a compaction to {response.CompactRevision} that nobody asked for");
            ClusterCheck.Require(next < response.CompactRevision, $"watch {number} was cancelled at {next} for a compaction to {response.CompactRevision}, which it had passed");
            next = response.CompactRevision;
            from.Close();
            return;
        }

        if (response.Created || response.Canceled) return;
        if (response.Events.Count == 0)
        {
            // Progress: everything up to there has been told.
            ClusterCheck.Require(Wanted(next, response.Header.Revision).Count == 0, $"watch {number} was told of progress to {response.Header.Revision} and lacks a change from {next} on");
            return;
        }

        HearEvents(response);
    }

    private void HearEvents(WatchResponse response)
    {
        var through = response.Events[^1].Kv.ModRevision;
        ClusterCheck.Require(response.Events[0].Kv.ModRevision >= next, $"watch {number} was told revision {response.Events[0].Kv.ModRevision} again, or out of order, at {next}");
        var wanted = Wanted(next, through);
        ClusterCheck.Require(wanted.Count == response.Events.Count, $"watch {number} was told {response.Events.Count} changes of revisions {next} to {through}; there are {wanted.Count}");
        for (var i = 0; i < wanted.Count; i++) Compare(response.Events[i], wanted[i], i > 0 ? wanted[i - 1] : null);
        next = through + 1;
    }

    private void Compare(Event told, in KeyChange change, KeyChange? before)
    {
        ClusterCheck.Require(
            told.Kv.ModRevision == change.Mod && told.Kv.Key.ToStringUtf8() == change.Key && (told.Type == Event.Types.EventType.Delete) == change.Value is null
                && (change.Value is null || told.Kv.Value.Span.SequenceEqual(change.Value)),
            $"watch {number} was told of {told.Kv.Key.ToStringUtf8()} at {told.Kv.ModRevision}; the log says {change.Key} at {change.Mod}");
        var previous = World.KeyspaceChronicle.At(change.Key, change.Mod - 1);
        if (told.PrevKv is null)
            ClusterCheck.Require(previous is null || change.Mod - 1 < World.KeyspaceChronicle.CompactedMax, $"watch {number} was not told what stood under {change.Key} before {change.Mod}");
        else
            ClusterCheck.Require(previous is { } was && was.Mod == told.PrevKv.ModRevision && told.PrevKv.Value.Span.SequenceEqual(was.Value), $"watch {number} was told another value before {change.Mod} of {change.Key}");
    }

    /// <summary>A watch stream over the network: responses arrive in order, and room for more travels back.</summary>
    private sealed class Stream : IWatchSink
    {
        private readonly WatchClient client;
        private readonly ClusterProcess process;
        private readonly IWatchSession session;
        private long lastArrival;

        public Stream(WatchClient client, ClusterProcess process, int credits)
        {
            (this.client, this.process, InitialCredits) = (client, process, credits);
            session = process.Door.OpenWatch(this);
        }

        public int InitialCredits { get; }

        public bool IsOpen { get; private set; } = true;

        private ClusterWorld World => client.World;

        public void Create(WatchCreateRequest request) => Reach(() => session.Create(request));

        public void AskProgress() => Reach(session.RequestProgress);

        public void Close()
        {
            if (IsOpen) Reach(session.Dispose);
            IsOpen = false;
        }

        public void OnResponse(WatchResponse response)
        {
            lastArrival = Math.Max(lastArrival + 1, World.Clock.Now + client.Dice.NextSpan(World.Options.DelayMin, World.Options.DelayMax).Ticks);
            World.Clock.At(lastArrival, () =>
            {
                client.Hear(this, response);
                if (IsOpen) Reach(() => session.AddCredits(1));
            });
        }

        public void OnClosed(EtcdError error) => IsOpen = false;

        private void Reach(Action action)
        {
            World.Clock.After(client.Dice.NextSpan(World.Options.DelayMin, World.Options.DelayMax), () => process.WhenAwake(action));
        }
    }
}
