using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace;

/// <summary>
/// Those clients whose next command is for one shard, with one durability: they are executed together, as one entry, so that a turn of the loop costs a shard one entry however many clients
/// it serves. Their replies are released together when the entry is committed and a barrier holds (S17), or at once (async).
/// </summary>
internal sealed class Convoy : IShardWork
{
    /// <summary>Effects beyond which an entry takes no further command: half of what an entry may be.</summary>
    private const int EffectsMax = 512 * 1024;

    /// <summary>Commands of one entry; what comes after waits for the next.</summary>
    private const int CommandsMax = 8192;

    private static readonly Mark Refused = new("keyspace: commands were sent away unexecuted");
    private static readonly Mark Severed = new("keyspace: a client was cut off because the outcome is unknown");

    private readonly ShardSeat seat;
    private readonly Durability durability;
    private readonly byte[] work;
    private readonly Stack<Batch> spare = new();
    private readonly LookAhead ahead = new();
    private List<ClientSession> waiting = [];
    private List<ClientSession> running = [];
    private readonly List<(ClientSession Client, long Ticket)> awaiting = [];
    private readonly List<ClientSession> served = [];
    private Batch? proposed;
    private int turn; // Whose it is among the running.

    public Convoy(ShardSeat seat, Durability durability)
    {
        (this.seat, this.durability) = (seat, durability);
        work = seat.Machine.Register(this);
    }

    /// <summary>Whether somebody waits and nothing is under way that will take him along.</summary>
    public bool WantsTurn => waiting.Count + awaiting.Count > 0 && proposed is null;

    public void Join(ClientSession client) => waiting.Add(client);

    /// <summary>A script takes too long: who waits behind it in the same turn, or for the next, is told so (BUSY) instead of waiting for its end.</summary>
    public void SendAway()
    {
        SendAway(running, turn + 1);
        SendAway(waiting, 0);
    }

    private static void SendAway(List<ClientSession> clients, int from)
    {
        for (var i = clients.Count - 1; i >= from; i--)
        {
            var client = clients[i];
            if (!client.MayBeSentAway) continue;
            clients.RemoveAt(i);
            client.SendAway();
        }
    }

    /// <summary>A client whose waiting was ended by an entry that does not wait itself (async): its reply waits for all that was executed before.</summary>
    public void Await(ClientSession client) => awaiting.Add((client, client.Replies.Hold()));

    /// <summary>Proposes what waits.</summary>
    public void Depart()
    {
        if (!WantsTurn) return;
        var batch = proposed = spare.TryPop(out var used) ? used : new Batch(this);
        if (seat.Machine.Call.Node.Settings.LatencyMillis > 0) batch.ProposedAt = seat.Machine.Call.Node.ReadClock();
        seat.Log.Propose(work, new ProposeOptions { Durability = seat.Machine.Call.Node.Bug == PlantedShardBug.ReplyBeforeCommit ? Durability.Async : durability }, batch);
    }

    void IShardWork.Run(ShardMachine shard)
    {
        var batch = proposed;
        Invariant.Holds(batch is not null, "a convoy ran that nobody proposed");
        proposed = null;
        batch.IsExecuted = true;
        (waiting, running) = (running, waiting);
        shard.Call.Node.Meter.Start();
        batch.AddAll(awaiting);
        awaiting.Clear();
        var left = CommandsMax;
        for (turn = 0; turn < running.Count; turn++)
        {
            var client = running[turn];
            if (turn % LookAhead.KeysMax == 0) ahead.Over(running, turn, shard.Keyspace);
            if (client.IsClosed) continue;
            if (left <= 0 || shard.Call.Effects.Length >= EffectsMax)
            {
                waiting.Add(client);
                continue;
            }

            // As long as its next command is for us, it goes on in the same entry.
            var known = 0;
            do
            {
                if (--known <= 0 && client.HasRequest) known = ahead.Over(client.Input, shard.Keyspace);
                client.ExecuteOn(seat, shard.Call);
                left--;
            }
            while (left > 0 && shard.Call.Effects.Length < EffectsMax && client.IsNextFor(this));
            batch.Add(client);
            HoldServed(shard, batch);
            client.GoOn();
            foreach (var other in served) other.GoOn();
        }

        running.Clear();
    }

    /// <summary>Those whose waiting a command has ended: their replies wait for the entry that served them, and they go on.</summary>
    private void HoldServed(ShardMachine shard, Batch batch)
    {
        shard.Call.Node.Tracking.Broadcast(shard);
        foreach (var other in shard.Pushed) HoldFor(other, batch);
        shard.Pushed.Clear();
        served.Clear();
        foreach (var other in shard.TakeTouched())
        {
            served.Add(other);
            HoldFor(other, batch);
        }
    }

    /// <summary>What was written to a client that has not asked in this entry leaves with it, or, when that does not wait itself (async), with the next that does.</summary>
    private void HoldFor(ClientSession other, Batch batch)
    {
        if (durability == Durability.Async && other.Durability != Durability.Async) seat.Quorum.Await(other);
        else batch.Add(other);
    }

    private void OnCompleted(Batch batch, in ProposeOutcome outcome)
    {
        if (!batch.IsExecuted)
        {
            // Nothing was executed: everybody is shown the way, or waits for a leader.
            Refused.Hit();
            proposed = null;
            (waiting, running) = (running, waiting);
            foreach (var client in running) client.Reroute(outcome.Status);
            running.Clear();
            foreach (var (client, _) in awaiting) client.Close();
            awaiting.Clear();
        }
        else if (outcome.IsApplied)
        {
            batch.Release();
            if (batch.ProposedAt is { } proposedAt && durability != Durability.Async) seat.Machine.Call.Node.Latency.Add(LatencyMonitor.Commit, (seat.Machine.Call.Node.ReadClock() - proposedAt).Ticks / 10);
        }
        else
        {
            // Executed, and nobody knows what becomes of it (S19).
            Severed.Hit();
            batch.Sever();
        }

        batch.Clear();
        spare.Push(batch);
    }

    /// <summary>The clients with replies in one entry.</summary>
    private sealed class Batch(Convoy owner) : IProposalCompletion
    {
        private readonly List<(ClientSession Client, long Ticket)> held = [];

        public bool IsExecuted { get; set; }

        /// <summary>When it was proposed; not measured while nobody wants to know.</summary>
        public Instant? ProposedAt { get; set; }

        public void Add(ClientSession client) => held.Add((client, client.Replies.Hold()));

        public void AddAll(List<(ClientSession Client, long Ticket)> others) => held.AddRange(others);

        public void Release()
        {
            foreach (var (client, ticket) in held) client.OnReleased(ticket);
        }

        public void Sever()
        {
            foreach (var (client, _) in held) client.Close();
        }

        public void Clear()
        {
            held.Clear();
            IsExecuted = false;
            ProposedAt = null;
        }

        public void OnCompleted(in ProposeOutcome outcome) => owner.OnCompleted(this, outcome);
    }
}
