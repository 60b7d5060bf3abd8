using System.Globalization;
using System.Text;
using Holdfast.Keyspace;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Shards;

/// <summary>A Redis client: registers whose histories must be linearizable, transactions under WATCH, pairs of keys that only ever change together, and keys that are written once and must never be missed.</summary>
internal sealed class ShardClient(ClusterWorld world, int number) : RedisClient(world, number)
{
    private ShardCheck Check => World.ShardCheck;

    /// <summary>The slot of a register.</summary>
    public static int SlotOf(int key) => KeySlot.Of(Encoding.ASCII.GetBytes(Tag(key)));

    /// <summary>Registers stand in different slots, about as many in the one shard as in the other.</summary>
    public static string Tag(int key) => string.Create(CultureInfo.InvariantCulture, $"{{r{key * 7}}}");

    protected override void Act()
    {
        if (Dice.Chance(0.1)) Target = Dice.Next(World.Options.Machines);
        switch (Dice.Next(20))
        {
            case < 6: Get(); break;
            case < 11: Put(); break;
            case < 12: Delete(); break;
            case < 15: Swap(); break;
            case < 16: PutPair(); break;
            case < 17: GetPair(); break;
            default: Keep(); break;
        }
    }

    private static ulong ValueOf(string reply)
    {
        if (reply is "$-1" or "*-1" or "_") return 0;
        var value = reply[(reply.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        return ulong.Parse(value.AsSpan(0, value.IndexOf('.', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
    }

    private string Value(ulong value) => $"{value}." + new string('x', Dice.Chance(0.1) ? World.Options.ValueBytesMax : Dice.Next(40));

    private Operation Call(OperationKind kind, int? key = null, ulong expected = 0) =>
        Check.History.Call(key ?? Dice.Next(World.Options.Keys), kind, (ulong)Check.History.Operations.Count + 1, expected, World.Clock.Now);

    private void Do(string[][] commands, bool isEarly, Operation operation, Action<string[]> answered, SimConnection? held = null) =>
        Do(commands, isEarly, answered, () => Check.WithoutEffect.Add(operation.Id), (ulong)operation.Id, held);

    private void Do(string[][] commands, Action<string[]> answered, bool mayBeEarly) => Do(commands, mayBeEarly && IsEarly(), answered, static () => { });

    /// <summary>What was told early says nothing, and what it changed may be lost: in the history it happens at any time, or never. A quorum's reply that shows it holds it fast (S18).</summary>
    private void Hear(Operation operation, bool isEarly, string reply)
    {
        if (!isEarly) Check.History.Return(operation, ValueOf(reply), World.Clock.Now);
        else if (operation.Kind == OperationKind.Get) Check.WithoutEffect.Add(operation.Id);
    }

    private void Get()
    {
        var (operation, isEarly) = (Call(OperationKind.Get), IsEarly());
        Do([["GET", Tag(operation.Key)]], isEarly, operation, replies => Hear(operation, isEarly, replies[0]));
    }

    private void Put()
    {
        var (operation, isEarly) = (Call(OperationKind.Put), IsEarly());
        Do([["SET", Tag(operation.Key), Value(operation.Value), "GET"]], isEarly, operation, replies => Hear(operation, isEarly, replies[0]));
    }

    private void Delete()
    {
        var (operation, isEarly) = (Call(OperationKind.Delete), IsEarly());
        Do([["GETDEL", Tag(operation.Key)]], isEarly, operation, replies => Hear(operation, isEarly, replies[0]));
    }

    /// <summary>WATCH and GET, then MULTI, SET and EXEC on the same connection: it takes effect only if the register still holds what was seen.</summary>
    private void Swap()
    {
        var (key, isEarly) = (Dice.Next(World.Options.Keys), IsEarly());
        SimConnection? connection = null;
        Ask(
            process => (connection = process.Shards!.Connect()).AskAsync(["HOLDFAST.DURABILITY", isEarly ? "async" : "quorum"], ["WATCH", Tag(key)], ["GET", Tag(key)]),
            replies =>
            {
                if (replies is null || replies.Any(reply => reply.StartsWith('-')))
                {
                    Target = Dice.Next(World.Options.Machines);
                    Later(Think());
                    return;
                }

                var seen = ValueOf(replies[2]);
                var operation = Call(OperationKind.CompareAndSwap, key, seen);
                Do([["MULTI"], ["SET", Tag(key), Value(operation.Value)], ["EXEC"]], isEarly, operation, executed =>
                {
                    if (executed[2].StartsWith("*-1", StringComparison.Ordinal)) Check.WithoutEffect.Add(operation.Id);
                    else if (!isEarly) Check.History.Return(operation, seen, World.Clock.Now);
                }, connection);
            },
            _ => Later(Think()),
            () => Later(Think()));
    }

    private void PutPair()
    {
        var (key, value) = (Dice.Next(World.Options.Keys), $"{World.Clock.Now}");
        Do([["MULTI"], ["SET", $"a{Tag(key)}", value], ["SET", $"b{Tag(key)}", value], ["EXEC"]], static _ => { }, mayBeEarly: true);
    }

    private void GetPair()
    {
        var key = Dice.Next(World.Options.Keys);
        Do([["MGET", $"a{Tag(key)}", $"b{Tag(key)}"]], replies =>
        {
            var words = replies[0].Split(' ');
            ClusterCheck.Require(words.Length % 2 == 1 && words[1..(1 + (words.Length / 2))].SequenceEqual(words[(1 + (words.Length / 2))..]), $"a pair that only changes together was seen as {replies[0]}");
        }, mayBeEarly: true);
    }

    /// <summary>A key that is never written again, some with a time to live that is over soon.</summary>
    private void Keep()
    {
        var number = Check.NextKept();
        var name = $"f{number}{Tag(Dice.Next(World.Options.Keys))}";
        var isShort = Dice.Chance(0.25);
        Do([isShort ? ["SET", name, "kept", "PX", $"{Dice.Next(50, 2000)}"] : ["SET", name, "kept"]], _ => { if (!isShort) Check.OnKept(name); }, mayBeEarly: false);
    }
}
