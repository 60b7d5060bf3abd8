using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Tests;

/// <summary>
/// Several shards of two replicas each, whose leaders change when a test says so, and a node that all clients ask: it leads every shard. What a leader has executed and not committed is lost when it falls, and taken back on the old leader.
/// </summary>
internal sealed class MovingShards
{
    public MovingShards(int shards = 2, PlantedShardBug bug = PlantedShardBug.None)
    {
        Node = new KeyspaceNode(CommandTable.Build(), new KeyspaceOptions()) { WallMicros = Clock, StartedMicros = Clock, Bug = bug };
        for (var i = 0; i < shards; i++) Shards.Add(new Shard(this, new GroupId((ulong)i + 2), (KeySlot.Count * i / shards, (KeySlot.Count * (i + 1) / shards) - 1)));
        Follow();
        new ShardChores(Node).Look();
        Turn();
    }

    public static NodeId Self { get; } = new(1);

    public KeyspaceNode Node { get; }

    public List<Shard> Shards { get; } = [];

    public long Clock { get; set; } = 1_700_000_000_000_000;

    /// <summary>Whether entries are committed as they are executed.</summary>
    public bool CommitsAtOnce { get; set; } = true;

    public LocalClient Connect() => new(Turn, Node);

    /// <summary>The directory flips: slots go from one shard to another in the layout.</summary>
    public void Flip(GroupId target, SlotRanges slots)
    {
        foreach (var shard in Shards)
        {
            var set = new SlotSet();
            foreach (var (first, last) in shard.Layout) set.Add(first, last);
            slots.Put(set, shard.Group == target);
            shard.Layout = [.. SlotRanges.Of(set).Ranges];
        }

        Follow();
    }

    /// <summary>Lets everything happen that can.</summary>
    public void Turn()
    {
        Node.WallMicros = Clock;
        Node.Now += TimeSpan.FromMilliseconds(5);
        var waiting = Node.Waiting.ToArray();
        Node.Waiting.Clear();
        foreach (var client in waiting)
            if (client.Retry()) Node.Waiting.Add(client);
        for (var i = 0; i < 10_000 && (Node.Resting.Count > 0 || Shards.Any(shard => shard.Seat.Quorum.WantsTurn || shard.Seat.Async.WantsTurn)); i++)
        {
            var resting = Node.Resting.ToArray();
            Node.Resting.Clear();
            foreach (var client in resting) client.GoOn();
            foreach (var shard in Shards)
            {
                shard.Seat.Quorum.Depart();
                shard.Seat.Async.Depart();
            }
        }
    }

    /// <summary>The topology is made anew: leaders or the layout have changed.</summary>
    public void Follow() => Node.Topology = new Topology(Self, [new ClusterPeer(Self, "127.0.0.1", 6379, 16379)], [.. Shards.Select(shard => new ClusterShard(shard.Group, shard.Layout, [Self]))], [.. Shards.Select(shard => shard.Seat)]);

    /// <summary>A mover's task is done, all the way.</summary>
    public void Do(SlotMover mover, Shard source, MoveTask task)
    {
        switch (task)
        {
            case MoveTask.Ask ask:
                Ask(ask.Question, answer => mover.OnAnswer(ask.Question, answer));
                break;
            case MoveTask.Run run:
                source.Seat.Steps.Take(run.Step, _ => { });
                break;
            case MoveTask.Flip:
                Flip(mover.Target, mover.Slots);
                mover.OnFlipped();
                break;
        }
    }

    public void Ask(MoveQuestion question, Action<MoveAnswer> answer)
    {
        var target = Shards.First(shard => shard.Group == question.Target);
        MoveDoor.Answer(target.Seat, MoveQuestion.Decode(question.Encode())!, each => answer(MoveAnswer.Decode(each.Encode())));
    }

    /// <summary>Drives a move to its end; how it ended.</summary>
    public MoveTask.Finish Drive(SlotMover mover, Shard source, bool isCancelled = false)
    {
        for (var steps = 0; steps < 100_000; steps++)
        {
            var task = mover.Next(isCancelled);
            if (task is MoveTask.Finish end) return end;
            Do(mover, source, task);
            Turn();
        }

        throw new InvalidOperationException("a move does not come to its end: " + mover.Progress);
    }

    /// <summary>Drives a move until its source is in a phase.</summary>
    public void DriveUntil(SlotMover mover, Shard source, DeparturePhase phase)
    {
        for (var steps = 0; steps < 100_000; steps++)
        {
            if (source.Slots.Outgoing.TryGetValue(mover.Id, out var move) && move.Phase == phase) return;
            Do(mover, source, mover.Next(false));
            Turn();
        }
    }

    /// <summary>A shard: two replicas, of which one leads.</summary>
    internal sealed class Shard
    {
        private readonly MovingShards owner;
        private readonly ShardMachine[] machines;
        private readonly ShardSeat[] seats;
        private readonly List<(LogPosition Position, byte[] Effects, long Time)> tail = [];
        private readonly List<IProposalCompletion> held = [];
        private int leader;
        private ulong last;

        public Shard(MovingShards owner, GroupId group, (int First, int Last) layout)
        {
            this.owner = owner;
            Group = group;
            Layout = [layout];
            machines = [new ShardMachine(group, owner.Node.Table, owner.Node), new ShardMachine(group, owner.Node.Table, owner.Node)];
            seats = [new ShardSeat(machines[0], new ReplicaLog(this, 0)), new ShardSeat(machines[1], new ReplicaLog(this, 1))];
            machines[0].OnRole(new GroupRole(true, Term, Self));
        }

        public GroupId Group { get; }

        public ImmutableArray<(int First, int Last)> Layout { get; set; }

        public ShardSeat Seat => seats[leader];

        public ShardMachine Machine => machines[leader];

        public SlotOwnership Slots => Machine.State.Slots;

        public Term Term { get; private set; } = new(1);

        public int Uncommitted => tail.Count;

        private void Propose(ReadOnlySpan<byte> work, IProposalCompletion completion)
        {
            var effects = new ByteBuffer();
            var position = new LogPosition(Term, new LogIndex(last + 1));
            if (Machine.Execute(new AppendCommand(position, owner.Clock, work), effects).HasEffects)
            {
                last++;
                tail.Add((position, effects.Written.ToArray(), owner.Clock));
            }

            held.Add(completion);
            if (owner.CommitsAtOnce) CommitAll();
        }

        public void CommitAll()
        {
            foreach (var (position, effects, time) in tail)
                while (!machines[1 - leader].Apply(new CommittedEntry { Position = position, TimeMicros = time, FeatureLevel = 1, Command = effects, ReplyWanted = false }).IsDone)
                {
                }

            Machine.OnCommitted(new LogIndex(last));
            tail.Clear();
            Assert.Equal(Machine.StateHash, machines[1 - leader].StateHash);
            Complete(new ProposeOutcome(ProposalStatus.Applied, default, null));
        }

        /// <summary>The other replica leads; what was not committed is lost.</summary>
        public void Failover()
        {
            var old = Machine;
            if (tail.Count > 0) Assert.True(old.OnTruncated(tail[0].Position.Index), "the tail could not be taken back");
            last -= (ulong)tail.Count;
            tail.Clear();
            leader = 1 - leader;
            Term = new Term(Term.Value + 1);
            old.OnRole(new GroupRole(false, Term, Self));
            Machine.OnRole(new GroupRole(true, Term, Self));
            Assert.Equal(Machine.StateHash, old.StateHash);
            owner.Follow();
            Complete(new ProposeOutcome(ProposalStatus.Unknown, default, null));
        }

        /// <summary>Both replicas hold the same.</summary>
        public void Check()
        {
            CommitAll();
            Assert.Equal(LocalShards.ContentOf(machines[0]), LocalShards.ContentOf(machines[1]));
        }

        private void Complete(in ProposeOutcome outcome)
        {
            var waiting = held.ToArray();
            held.Clear();
            foreach (var completion in waiting) completion.OnCompleted(outcome);
        }

        /// <summary>The log as one replica sees it: only the leader's executes.</summary>
        private sealed class ReplicaLog(Shard shard, int replica) : IShardLog
        {
            public NodeId Leader => Self;

            public bool IsLedHere => shard.leader == replica;

            public Term Term => shard.Term;

            public void ReadReplica(TimeSpan ageMax, IReadCompletion completion) => completion.OnGrant(default);

            public void Propose(ReadOnlySpan<byte> work, in ProposeOptions options, IProposalCompletion completion)
            {
                if (IsLedHere) shard.Propose(work, completion);
                else completion.OnCompleted(new ProposeOutcome(ProposalStatus.NoLeader, default, null));
            }
        }
    }
}
