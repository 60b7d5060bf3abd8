using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>Random writes, moves there and back, failovers of both sides at any step, and words between them that are lost, repeated or late: then everything is counted.</summary>
internal sealed class MoveStorm(ulong seed)
{
    private const int Steps = 6000;
    private const int KeysMax = 400;

    private readonly SeededRandom dice = new(seed);
    private readonly MovingShards shards = new(3);
    private readonly Dictionary<string, List<string?>> model = [];
    private readonly Dictionary<string, (LocalClient Client, bool IsRead, string? Written)> pending = [];
    private readonly List<MoveQuestion> overheard = [];
    private readonly List<string> keys = SlotMoveTests.KeysIn(SlotRanges.Parse("0-40,6000-6040,12000-12040")!, KeysMax);
    private readonly List<(SlotMover Mover, bool IsCancelled)> moves = [];
    private ulong moveIds;
    private int moved;

    public void Run()
    {
        for (var step = 0; step < Steps; step++)
        {
            shards.CommitsAtOnce = dice.Next(3) > 0;
            if (shards.CommitsAtOnce) CommitAll();
            switch (dice.Next(100))
            {
                case < 60: Write(); break;
                case < 92: Advance(); break;
                case < 94: Begin(); break;
                case < 97: Fail(); break;
                default: CommitAll(); break;
            }

            if (step % 100 == 0) new ShardChores(shards.Node).Look();
            if (step % 500 == 0) CheckOwners();
        }

        Finish();
        Assert.True(moved > 3, $"only {moved} moves were done");
    }

    private void Begin()
    {
        if (moves.Count >= 2) return;
        var source = shards.Shards[dice.Next(3)];
        var target = shards.Shards[dice.Next(3)];
        var first = dice.Next(3) * 6000;
        var slots = SlotRanges.Parse($"{first}-{first + dice.Next(40)}")!;
        if (source == target || !slots.AllIn(source.Slots.Owned)) return;
        moves.Add((new SlotMover(source.Seat, new MoveId(++moveIds), target.Group, slots), dice.Next(5) == 0));
    }

    private void Advance()
    {
        for (var i = moves.Count - 1; i >= 0; i--)
        {
            var (mover, isCancelled) = moves[i];
            var source = shards.Shards.First(shard => shard.Slots.Outgoing.ContainsKey(mover.Id) || shard.Slots.Ended.ContainsKey(mover.Id) && shard.Group != mover.Target || shard.Seat == SeatOf(mover));
            if (source.Uncommitted > 0) source.CommitAll(); // A mover's next task is asked for when the one before is committed.
            var task = mover.Next(isCancelled && dice.Next(4) == 0);
            if (task is MoveTask.Finish end)
            {
                if (end.IsDone) moved++;
                moves.RemoveAt(i);
                continue;
            }

            if (task is MoveTask.Ask ask)
            {
                overheard.Add(ask.Question);
                if (overheard.Count > 50) overheard.RemoveAt(dice.Next(50));
                switch (dice.Next(12))
                {
                    case 0: continue; // Lost on the way.
                    case 1: // The answer is lost.
                        shards.Ask(ask.Question, _ => { });
                        continue;
                    case 2: shards.Ask(overheard[dice.Next(overheard.Count)], _ => { }); break; // Somebody speaks late.
                    case 3: shards.Ask(ask.Question, _ => { }); break; // It comes twice.
                }
            }

            shards.Do(mover, source, task);
            var target = shards.Shards.First(shard => shard.Group == mover.Target);
            if (dice.Next(10) > 0) target.CommitAll();
            else Fail();
            source.CommitAll();
        }
    }

    private ShardSeat? SeatOf(SlotMover mover) => shards.Shards.FirstOrDefault(shard => shard.Group != mover.Target && mover.Slots.AllIn(shard.Slots.Owned))?.Seat;

    private void Fail()
    {
        var shard = shards.Shards[dice.Next(3)];
        shard.Failover();
        for (var i = 0; i < moves.Count; i++)
        {
            // Whoever leads next drives what its log knows, or what the directory does.
            var mover = moves[i].Mover;
            var source = shards.Shards.FirstOrDefault(each => each.Group != mover.Target && (each.Slots.Outgoing.ContainsKey(mover.Id) || each.Slots.Ended.ContainsKey(mover.Id))) ?? shards.Shards.FirstOrDefault(each => each.Seat == SeatOf(mover));
            if (source == shard) moves[i] = (new SlotMover(shard.Seat, mover.Id, mover.Target, mover.Slots), moves[i].IsCancelled);
        }
    }

    private void Write()
    {
        var key = keys[dice.Next(keys.Count)];
        if (pending.ContainsKey(key) && !Settle(key)) return;
        var client = shards.Connect();
        var isRead = dice.Next(4) == 0;
        var written = isRead || dice.Next(6) == 0 ? null : $"{dice.NextUInt64()}";
        if (isRead) client.Send("GET", key);
        else if (written is null) client.Send("DEL", key);
        else client.Send("SET", key, written, "EX", $"{dice.Next(1, 1_000_000) + 1000}");
        pending[key] = (client, isRead, written);
        Settle(key);
    }

    /// <summary>Whether it is known what became of a key's last command; then the model knows what the key may hold.</summary>
    private bool Settle(string key)
    {
        var (client, isRead, written) = pending[key];
        var possible = model.GetValueOrDefault(key, [null]);
        var reply = client.Take();
        if (reply == "(nothing)" && !client.IsClosed) return false;
        pending.Remove(key);
        if (client.IsClosed && !isRead) model[key] = [.. possible, written];
        else if (reply.StartsWith('-')) Assert.Matches("^-(TRYAGAIN|CLUSTERDOWN|MOVED)", reply);
        else if (!isRead && !client.IsClosed) model[key] = [written];
        else if (!client.IsClosed)
        {
            var value = ValueOf(reply);
            Assert.Contains(value, possible);
            model[key] = [value];
        }

        return true;
    }

    private static string? ValueOf(string reply) => reply == "$-1" ? null : reply[(reply.IndexOf(' ', StringComparison.Ordinal) + 1)..];

    private void CommitAll()
    {
        foreach (var shard in shards.Shards) shard.CommitAll();
        shards.Turn();
    }

    private void CheckOwners()
    {
        for (var slot = 0; slot < KeySlot.Count; slot += 20)
            Assert.InRange(shards.Shards.Count(shard => shard.Slots.Owned[slot]), 0, 1);
    }

    private void Finish()
    {
        shards.CommitsAtOnce = true;
        CommitAll();
        for (var i = 0; i < 5000 && moves.Count > 0; i++)
        {
            Advance();
            if (i % 100 == 0) new ShardChores(shards.Node).Look();
        }

        Assert.Empty(moves);
        for (var i = 0; i < 1000; i++) shards.Turn();
        CommitAll();
        CheckOwners();
        Assert.Equal(KeySlot.Count, shards.Shards.Sum(shard => shard.Slots.Owned.Count));
        foreach (var key in pending.Keys.ToArray()) Assert.True(Settle(key), $"{key} was never answered");
        foreach (var (key, possible) in model) Assert.Contains(ValueOf(shards.Connect().Ask("GET", key)), possible);

        var chores = new ShardChores(shards.Node);
        for (var i = 0; i < 20; i++) chores.Look();
        Assert.Equal(shards.Shards.Sum(shard => shard.Machine.Keyspace.KeyCount), shards.Shards.Sum(shard => shard.Machine.State.ServedKeys));
        foreach (var shard in shards.Shards) shard.Check();
    }
}
