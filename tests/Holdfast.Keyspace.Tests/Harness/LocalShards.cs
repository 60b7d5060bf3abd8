using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Tests;

/// <summary>
/// A node with one shard of all slots, whose log commits at once or when it is told to. Beside the leader's state stands a replica that sees nothing but the effects: after every entry it must have the same
/// hash, and at the end the same content, so every test of a command also proves that its effects are right.
/// </summary>
internal sealed class LocalShards
{
    private readonly ShardLog log;

    public LocalShards(KeyspaceOptions? options = null, PlantedShardBug bug = PlantedShardBug.None)
        : this(options, Self, new ClusterShard(new GroupId(2), [(0, KeySlot.Count - 1)], [Self]), bug)
    {
    }

    /// <summary>A node of several: it leads one shard.</summary>
    public LocalShards(KeyspaceOptions? options, NodeId self, ClusterShard shard, PlantedShardBug bug = PlantedShardBug.None)
    {
        (Me, Shard) = (self, shard);
        Node = new KeyspaceNode(CommandTable.Build(), options ?? new KeyspaceOptions()) { WallMicros = Clock, StartedMicros = Clock, Bug = bug };
        Leader = new ShardMachine(shard.Group, Node.Table, Node);
        Replica = new ShardMachine(shard.Group, Node.Table, new KeyspaceNode(Node.Table, Node.Options) { Settings = Node.Settings, Bug = bug, WallMicros = Clock + (3600L * 1_000_000) }); // Its clock is an hour ahead.
        Leader.OnRole(new GroupRole(true, new Term(1), self));
        log = new ShardLog(this);
        Seat = new ShardSeat(Leader, log);
        Node.Topology = new Topology(self, [new ClusterPeer(self, "127.0.0.1", 6378 + (int)self.Value, 16379)], [shard], [Seat]);
        new ShardChores(Node).Look();
    }

    public static NodeId Self { get; } = new(1);

    /// <summary>This node.</summary>
    public NodeId Me { get; }

    /// <summary>The shard that it leads.</summary>
    public ClusterShard Shard { get; }

    public KeyspaceNode Node { get; }

    public ShardMachine Leader { get; }

    public ShardMachine Replica { get; }

    public ShardSeat Seat { get; }

    /// <summary>Whether entries are committed as they are executed; otherwise <see cref="CommitAll"/> does it.</summary>
    public bool CommitsAtOnce { get; set; } = true;

    /// <summary>What stamps entries; moved by tests.</summary>
    public long Clock { get; set; } = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;

    /// <summary>The most turns that an entry took the replica.</summary>
    public int ReplicaTurnsMost { get; private set; }

    /// <summary>Entries that were asked for.</summary>
    public int EntriesProposed => log.Proposed;

    /// <summary>Executes what waits and confirms it, without a replica: for measuring.</summary>
    public void ExecuteOnly()
    {
        log.IsBare = true;
        Seat.Quorum.Depart();
        log.IsBare = false;
    }

    public LocalClient Connect() => new(this);

    /// <summary>A client whose requests wait for the next <see cref="Turn"/>.</summary>
    public LocalClient ConnectIdle() => new(static () => { }, Node);

    /// <summary>Executes whatever waits.</summary>
    public void Turn()
    {
        Node.WallMicros = Clock;
        Node.Waits.Look(Node.Now);
        for (var i = 0; i < 10_000 && TurnOnce(); i++)
        {
            // Until everybody has what he waits for.
        }
    }

    /// <summary>One turn of a loop; false when nobody wants one.</summary>
    public bool TurnOnce()
    {
        if (!Seat.Quorum.WantsTurn && !Seat.Async.WantsTurn && Node.Resting.Count == 0) return false;
        var resting = Node.Resting.ToArray();
        Node.Resting.Clear();
        foreach (var client in resting) client.GoOn();
        Seat.Quorum.Depart();
        Seat.Async.Depart();
        return true;
    }

    /// <summary>Lets time go by, for timeouts and for what stamps entries.</summary>
    public void Pass(TimeSpan time)
    {
        Clock += (long)time.TotalMicroseconds;
        Node.Now += time;
        Turn();
    }

    /// <summary>Commits what was executed.</summary>
    public void CommitAll() => log.CommitAll();

    /// <summary>Gives the replica one turn with the first entry that is not committed; true when it is done with it.</summary>
    public bool ApplyOnce() => log.ApplyOnce();

    /// <summary>Takes back what was executed and not committed.</summary>
    public bool Truncate() => log.Truncate();

    /// <summary>A node's whole content in order, for comparing replicas.</summary>
    public static string ContentOf(ShardMachine machine)
    {
        var view = machine.CaptureSnapshot();
        var chunk = new ByteBuffer();
        while (view.WriteNext(chunk))
        {
        }

        view.Dispose();
        var reader = new SpanReader(chunk.Written);
        var copy = new ShardState();
        Assert.True(SnapshotCodec.TryReadHead(ref reader, copy, out _));
        // A large value comes in parts, in the order of a table, which is each replica's own.
        var records = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        while (reader.Rest.Length > 0)
        {
            var head = Read(reader.ReadBlock(), out var elements);
            if (!records.TryAdd(head, elements)) records[head].AddRange(elements);
        }

        copy.Dispose();
        return string.Join('\n', records.Select(each => $"{each.Key} {string.Join(',', each.Value.Order(StringComparer.Ordinal))}"));
    }

    /// <summary>A record as text: all of it, or of a large hash, set or sorted set its head, and its elements apart.</summary>
    private static string Read(ReadOnlySpan<byte> record, out List<string> elements)
    {
        elements = [];
        var kind = (ValueKind)(record[2] & 0x7F);
        if (record[2] < 0x80 || kind is not (ValueKind.Hash or ValueKind.Set or ValueKind.SortedSet)) return Convert.ToHexString(record);
        var reader = new SpanReader(record[12..]);
        reader.ReadBlock();
        var head = Convert.ToHexString(record[..(record.Length - reader.Rest.Length)]);
        for (var left = reader.ReadUInt64(); left > 0; left--)
        {
            var element = Convert.ToHexString(reader.ReadBlock());
            if (kind == ValueKind.Hash) element += $"={Convert.ToHexString(reader.ReadBlock())}";
            if (kind != ValueKind.Set) element += $" {(long)reader.ReadUInt64()}";
            elements.Add(element);
        }

        Assert.True(reader.IsWhole && reader.Rest.Length == 0);
        return head;
    }

    private sealed class ShardLog(LocalShards owner) : IShardLog
    {
        private readonly List<(LogPosition Position, byte[] Effects, long Time)> tail = [];
        private readonly List<IProposalCompletion> held = [];
        private readonly ByteBuffer bare = new();
        private ulong last;

        public int Proposed { get; private set; }

        public bool IsBare { get; set; }

        public NodeId Leader => owner.Me;

        public bool IsLedHere => true;

        public Term Term => new(1);

        public void ReadReplica(TimeSpan ageMax, IReadCompletion completion) => completion.OnGrant(new ReadGrant(true, new LogIndex(last), Instant.Zero));

        public void Propose(ReadOnlySpan<byte> work, in ProposeOptions options, IProposalCompletion completion)
        {
            Proposed++;
            if (IsBare)
            {
                bare.Clear();
                if (owner.Leader.Execute(new AppendCommand(new LogPosition(Term, new LogIndex(++last)), owner.Clock, work), bare).HasEffects) owner.Leader.OnCommitted(new LogIndex(last));
                completion.OnCompleted(new ProposeOutcome(ProposalStatus.Applied, default, null));
                return;
            }

            var effects = new ByteBuffer();
            var position = new LogPosition(Term, new LogIndex(last + 1));
            var result = owner.Leader.Execute(new AppendCommand(position, owner.Clock, work), effects);
            if (result.HasEffects)
            {
                last++;
                tail.Add((position, effects.Written.ToArray(), owner.Clock));
            }

            if (options.Durability == Durability.Async) completion.OnCompleted(new ProposeOutcome(ProposalStatus.Applied, default, null));
            else held.Add(completion);
            if (owner.CommitsAtOnce) CommitAll();
        }

        public void CommitAll()
        {
            foreach (var (position, effects, time) in tail)
            {
                var turns = 1;
                while (!Apply(position, effects, time)) turns++;
                owner.ReplicaTurnsMost = Math.Max(owner.ReplicaTurnsMost, turns);
            }

            owner.Leader.OnCommitted(new LogIndex(last));
            tail.Clear();
            Assert.Equal(owner.Leader.StateHash, owner.Replica.StateHash);
            Complete(new ProposeOutcome(ProposalStatus.Applied, default, null));
        }

        public bool ApplyOnce() => Apply(tail[0].Position, tail[0].Effects, tail[0].Time);

        public bool Truncate()
        {
            var isUndone = owner.Leader.OnTruncated(new LogIndex(last + 1 - (ulong)tail.Count));
            last -= (ulong)tail.Count;
            tail.Clear();
            Complete(new ProposeOutcome(ProposalStatus.Unknown, default, null));
            return isUndone;
        }

        private bool Apply(LogPosition position, byte[] effects, long time) =>
            owner.Replica.Apply(new CommittedEntry { Position = position, TimeMicros = time, FeatureLevel = 1, Command = effects, ReplyWanted = false }).IsDone;

        private void Complete(in ProposeOutcome outcome)
        {
            var waiting = held.ToArray();
            held.Clear();
            foreach (var completion in waiting) completion.OnCompleted(outcome);
        }
    }
}
