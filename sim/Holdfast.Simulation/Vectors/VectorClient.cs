using System.Globalization;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Cluster;
using Holdfast.Vectors;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Simulation.Vectors;

/// <summary>
/// A client of the vectors face: shared points whose histories must be linearizable at the strong level, and a point of its own that its session must see again at any node, and that its own vector must find.
/// </summary>
internal sealed class VectorClient(ClusterWorld world, int number) : ClusterClient(world)
{
    /// <summary>Own points are numbered from here: a client takes another one when the fate of a write is not known, and now and then, so that shards have something to split.</summary>
    private const ulong OwnFrom = 1000;

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(10);
    private static readonly Mark Redirected = new("sim: a client's point had gone to the other half of a split");

    private ulong own = OwnFrom + ((ulong)number * 100_000);
    private ulong ownValue;
    private ulong ownBefore;
    private bool isOwnInDoubt;
    private LogIndex ownIndex;
    private int ownShard = -1;
    private CollectionRecord? record;

    private VectorCheck Check => World.VectorCheck;

    protected override void Act()
    {
        if (!Check.IsConfigured)
        {
            Later(Think() + TimeSpan.FromMilliseconds(20));
            return;
        }

        if (Dice.Chance(0.2)) Target = Dice.Next(World.Options.Machines);
        switch (Dice.Next(20))
        {
            case < 5: Get(); break;
            case < 9: Put(); break;
            case < 10: Delete(); break;
            case < 12: Describe(); break;
            case < 15: Keep(); break;
            case < 17: Recall(); break;
            case < 19: Find(); break;
            default: Glance(); break;
        }
    }

    private static float[] VectorOf(ulong value)
    {
        var dice = new SeededRandom(value);
        return [.. Enumerable.Range(0, VectorSite.Size).Select(_ => (float)dice.NextDouble())];
    }

    private static byte[] Upsert(ulong id, ulong value) => ShardCommand.Upsert([new PointWrite(PointId.Of(id), PayloadOf(value), [new("", VectorOf(value))])], VectorSite.Config.ColumnOf);

    private static Payload PayloadOf(ulong value) => Payload.From(JsonDocument.Parse(string.Create(CultureInfo.InvariantCulture, $$"""{"v":{{value}}}""")).RootElement);

    private static ulong ValueOf(ShardAnswer answer)
    {
        if (answer.Points.Count == 0) return 0;
        using var payload = answer.Points[0].Payload.Parse();
        return payload.RootElement.GetProperty("v").GetUInt64();
    }

    private static NearestQuestion NearestTo(ulong value) => new(new NearestQuery { Column = 0, Vector = VectorOf(value), Limit = 1, Ef = 64 }) { Wanted = ContentWanted.Everything };

    private static RetrieveQuestion Look(ulong id) => new([PointId.Of(id)]) { Wanted = ContentWanted.Everything };

    private static ulong IdOf(int key) => (ulong)key + 1;

    private Operation Call(OperationKind kind, int key) => Check.History.Call(key, kind, (ulong)Check.History.Operations.Count + 1, 0, World.Clock.Now);

    private void Write(ulong id, byte[] command, Action<ShardReply, int> done, Action<bool> failed) => Do((shard, _, _) => shard.ProposeAsync(command, CancellationToken.None), id, done, fault => failed(fault is { Status: 503 }));

    private void Read(ulong id, ShardQuestion question, ReadDemand demand, Action<ShardAnswer> done) => Read(id, question, _ => demand, done);

    private void Read(ulong id, ShardQuestion question, Func<int, ReadDemand> demandOf, Action<ShardAnswer> done)
    {
        var begun = World.Clock.Now;
        Do((shard, number, part) => shard.AskAsync(part == HashPart.All ? question : question with { Part = part }, demandOf(number), CancellationToken.None), id, (answer, _) => done(answer), fault =>
        {
            if (fault is not null) Check.OnReadRefused(fault, begun);
        });
    }

    /// <summary>Asks the shard through the target; hears the answer, the refusal, or null when nobody said anything in time.</summary>
    private void Do<T>(Func<IShard, int, HashPart, ValueTask<T>> ask, ulong id, Action<T, int> done, Action<VectorFault?> failed) =>
        Ask(
            process => TryAsync(process, ask, id),
            answer =>
            {
                if (answer.Fault is { } fault)
                {
                    ClusterCheck.Require(fault.Status >= 500, $"a shard refused what is sound: {fault.Status} {fault.Message}");
                    failed(fault);
                    Target = Dice.Next(World.Options.Machines);
                    Later(TimeSpan.FromMilliseconds(Dice.Next(1, 40)));
                    return;
                }

                done(answer.Value!, answer.Shard);
                Count(id);
                Later(Think());
            },
            _ => Later(Think()),
            () =>
            {
                failed(null);
                Later(Think());
            });

    /// <summary>By the layout that this client knows, which may be an old one. A shard that has not got the point any more did nothing, and then the directory is asked who has it (S25).</summary>
    private async ValueTask<(T? Value, int Shard, VectorFault? Fault)> TryAsync<T>(ClusterProcess process, Func<IShard, int, HashPart, ValueTask<T>> ask, ulong id)
    {
        var site = process.Vectors!;
        var until = World.Clock.Now + World.Options.ClientTimeout.Ticks;
        while (true)
        {
            record ??= World.VectorCheck.Directory.Record;
            var layout = record.Layout;
            var number = layout.ShardOf(null, PointId.Of(id));
            try
            {
                return (await ask(site.ShardOf(ClusterWorld.VectorIds[number]), number, layout.PartOf(number)), number, null);
            }
            catch (VectorFault fault) when (fault.IsMisdirected)
            {
                if (World.Clock.Now >= until) return (default, number, VectorFault.Unavailable("a shard is being split, and it took too long")); // Nobody listens any more.
                Redirected.Hit();
                await Task.Delay(Between, new SiteTime(process));
                record = await site.Collections.FindAsync("c", CancellationToken.None);
            }
            catch (VectorFault fault)
            {
                return (default, number, fault);
            }
        }
    }

    private void Get()
    {
        var operation = Call(OperationKind.Get, Dice.Next(World.Options.Keys));
        Read(IdOf(operation.Key), Look(IdOf(operation.Key)), ReadDemand.Strong, answer => Check.History.Return(operation, ValueOf(answer), World.Clock.Now));
    }

    private void Put()
    {
        var operation = Call(OperationKind.Put, Dice.Next(World.Options.Keys));
        operation.ObservesPrior = false;
        Write(IdOf(operation.Key), Upsert(IdOf(operation.Key), operation.Value), (_, _) => Check.History.Return(operation, 0, World.Clock.Now), isUndone => Forget(operation, isUndone));
    }

    private void Delete()
    {
        var operation = Call(OperationKind.Delete, Dice.Next(World.Options.Keys));
        operation.ObservesPrior = false;
        Write(IdOf(operation.Key), ShardCommand.Delete([PointId.Of(IdOf(operation.Key))]), (_, _) => Check.History.Return(operation, 0, World.Clock.Now), isUndone => Forget(operation, isUndone));
    }

    /// <summary>Another payload for a point that is there: it stays in its row, wherever that is being merged or written to a snapshot.</summary>
    private void Describe()
    {
        var operation = Call(OperationKind.Put, Dice.Next(World.Options.Keys));
        operation.ObservesPrior = false;
        Write(IdOf(operation.Key), ShardCommand.OverwritePayload([PointId.Of(IdOf(operation.Key))], PayloadOf(operation.Value)), (reply, _) =>
        {
            if (reply.Changed == 0) Check.WithoutEffect.Add(operation.Id);
            else Check.History.Return(operation, 0, World.Clock.Now);
        }, isUndone => Forget(operation, isUndone));
    }

    private void Forget(Operation operation, bool isUndone)
    {
        if (isUndone) Check.WithoutEffect.Add(operation.Id);
    }

    private void Keep()
    {
        if (isOwnInDoubt || Dice.Chance(0.2)) (own, ownBefore, ownValue, isOwnInDoubt) = (own + 1, 0, 0, false);
        var (id, value) = (own, Check.NextValue());
        isOwnInDoubt = true;
        Check.Lose(id);
        Write(id, Upsert(id, value), (reply, shard) =>
        {
            (ownBefore, ownValue, ownShard, ownIndex, isOwnInDoubt) = (ownValue, value, shard, reply.Index, false);
            Check.Keep(id, value);
        }, isUndone =>
        {
            if (!isUndone) return;
            isOwnInDoubt = false;
            if (ownValue > 0) Check.Keep(id, ownValue);
        });
    }

    /// <summary>What the session wrote, at any replica, without a round to a quorum where it has it.</summary>
    private void Recall()
    {
        if (ownValue == 0 || isOwnInDoubt) Get();
        else Read(own, Look(own), number => new ReadDemand(ReadLevel.Session, number == ownShard ? ownIndex : default), answer => ClusterCheck.Require(ValueOf(answer) == ownValue, $"a session wrote {ownValue} to point {own} and reads {ValueOf(answer)} at {answer.Node}"));
    }

    /// <summary>Its own vector finds it, through graph, tail and merge.</summary>
    private void Find()
    {
        if (ownValue == 0 || isOwnInDoubt)
        {
            Put();
            return;
        }

        if (ownBefore > 0 && World.Clock.Now / TimeSpan.TicksPerMillisecond % 5 < 2)
        {
            // Asked once more what may have been answered before the point had another vector.
            Read(own, NearestTo(ownBefore), ReadDemand.Strong, answer => ClusterCheck.Require(answer.Points.Count == 1 && (answer.Points[0].Id != PointId.Of(own) || ValueOf(answer) == ownValue), $"point {own} is found as it was before value {ownValue} was acknowledged"));
            return;
        }

        var question = NearestTo(ownValue);
        Read(own, question, ReadDemand.Strong, answer => ClusterCheck.Require(answer.Points.Count == 1 && answer.Points[0].Id == PointId.Of(own) && ValueOf(answer) == ownValue, $"point {own} with value {ownValue} is not found by its own vector at {answer.Node}"));
    }

    /// <summary>A replica as it is: something that was written once, and no older than it says.</summary>
    private void Glance()
    {
        var key = Dice.Next(World.Options.Keys);
        Read(IdOf(key), Look(IdOf(key)), ReadDemand.Eventual, answer =>
        {
            var value = ValueOf(answer);
            ClusterCheck.Require(value == 0 || Check.History.Operations.Any(operation => operation.Key == key && operation.Kind == OperationKind.Put && operation.Value == value), $"point {key} shows {value}, which nobody wrote");
            ClusterCheck.Require(answer.Applied <= answer.Committed, $"{answer.Node} says it applied {answer.Applied} of {answer.Committed}");
        });
    }
}
