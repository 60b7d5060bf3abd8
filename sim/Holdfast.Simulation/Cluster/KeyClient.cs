using System.Buffers.Binary;
using Google.Protobuf;
using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;
using Holdfast.Simulation.Checks;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Uses the keyspace through the production face: registers whose histories must be linearizable, a pair of keys that only ever changes together, reads of
/// the past and of whatever a node has, and now and then a compaction.
/// </summary>
internal sealed class KeyClient(ClusterWorld world) : ClusterClient(world)
{
    private const string PairPrefix = "p/";

    /// <summary>The name of a register.</summary>
    public static string KeyOf(int key) => $"k/{key}";

    protected override void Act()
    {
        if (Dice.Chance(0.1)) Target = Dice.Next(World.Options.Machines);
        switch (Dice.Next(20))
        {
            case < 5: Get(); break;
            case < 10: Put(); break;
            case < 11: Delete(); break;
            case < 14: Swap(); break;
            case < 15: PutPair(); break;
            case < 17: ReadRange(isSerializable: Dice.Chance(0.5)); break;
            case < 18: DeleteAll(); break;
            default: Compact(); break;
        }
    }

    private static ulong ValueOf(ByteString value) => value.Length >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(value.Span) : 0;

    private ByteString Value(ulong value)
    {
        var bytes = new byte[Dice.Chance(0.1) ? Dice.Next(8, World.Options.ValueBytesMax * 3) : Dice.Next(8, World.Options.ValueBytesMax)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        for (var i = 8; i < bytes.Length; i++) bytes[i] = (byte)(value + (ulong)i);
        return ByteString.CopyFrom(bytes);
    }

    private Operation Call(OperationKind kind, ulong expected = 0) =>
        World.History.Call(Dice.Next(World.Options.Keys), kind, (ulong)World.History.Operations.Count + 1, expected, World.Clock.Now);

    /// <summary>Asks for something that is part of a register's history.</summary>
    private void Do<T>(Operation operation, Func<ClusterProcess, ValueTask<T>> ask, Func<T, (ulong Observed, long Revision)> read)
    {
        var floor = World.Revisions.Floor;
        Ask(
            ask,
            response =>
            {
                var (observed, revision) = read(response);
                World.Revisions.OnAnswered(revision, floor, operation.ToString());
                World.History.Return(operation, observed, World.Clock.Now);
                Count((ulong)operation.Id ^ observed << 20);
                Later(Think());
            },
            error => Refused(operation, error),
            () => Later(Think()));
    }

    private void Refused(Operation? operation, EtcdError error)
    {
        // Only a time-out leaves the fate of a write open.
        if (operation is not null && (!EtcdErrors.LeavesOpen(error) || operation.Kind == OperationKind.Get)) World.WithoutEffect.Add(operation.Id);
        Target = Dice.Next(World.Options.Machines);
        Later(TimeSpan.FromMilliseconds(5 + Dice.Next(40)));
    }

    private void Get()
    {
        var operation = Call(OperationKind.Get);
        Do(
            operation,
            process => process.Door.RangeAsync(new RangeRequest { Key = Text(KeyOf(operation.Key)) }),
            response => (response.Kvs.Count == 0 ? 0 : ValueOf(response.Kvs[0].Value), response.Header.Revision));
    }

    private void Put()
    {
        var operation = Call(OperationKind.Put);
        var value = Value(operation.Value);
        Do(
            operation,
            process => process.Door.PutAsync(new PutRequest { Key = Text(KeyOf(operation.Key)), Value = value, PrevKv = true }),
            response => (response.PrevKv is null ? 0 : ValueOf(response.PrevKv.Value), response.Header.Revision));
    }

    private void Delete()
    {
        var operation = Call(OperationKind.Delete);
        Do(
            operation,
            process => process.Door.DeleteRangeAsync(new DeleteRangeRequest { Key = Text(KeyOf(operation.Key)), PrevKv = true }),
            response => (response.PrevKvs.Count == 0 ? 0 : ValueOf(response.PrevKvs[0].Value), response.Header.Revision));
    }

    /// <summary>Compares the value's revision as etcd's clients do: by what stood there when somebody looked.</summary>
    private void Swap()
    {
        var key = Dice.Next(World.Options.Keys);
        var floor = World.Revisions.Floor;
        Ask(
            process => process.Door.RangeAsync(new RangeRequest { Key = Text(KeyOf(key)) }),
            response =>
            {
                World.Revisions.OnAnswered(response.Header.Revision, floor, $"a look at {KeyOf(key)}");
                Swap(key, response.Kvs.Count == 0 ? null : response.Kvs[0]);
            },
            error => Refused(null, error),
            () => Later(Think()));
    }

    private void Swap(int key, KeyValue? seen)
    {
        var expected = seen is null ? 0 : ValueOf(seen.Value);
        var operation = World.History.Call(key, OperationKind.CompareAndSwap, (ulong)World.History.Operations.Count + 1, expected, World.Clock.Now);
        var request = new TxnRequest();
        request.Compare.Add(new Coordination.Protocol.Compare { Key = Text(KeyOf(key)), Target = Coordination.Protocol.Compare.Types.CompareTarget.Mod, Result = Coordination.Protocol.Compare.Types.CompareResult.Equal, ModRevision = seen?.ModRevision ?? 0 });
        request.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Text(KeyOf(key)), Value = Value(operation.Value) } });
        request.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = Text(KeyOf(key)) } });
        Do(
            operation,
            process => process.Door.TxnAsync(request),
            response => (response.Succeeded ? expected : FoundInstead(response), response.Header.Revision));
    }

    private static ulong FoundInstead(TxnResponse response) =>
        response.Responses[0].ResponseRange is { Kvs.Count: > 0 } range ? ValueOf(range.Kvs[0].Value) : 0;

    private void PutPair()
    {
        var value = Value((ulong)World.Clock.Now);
        var request = new TxnRequest();
        request.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Text(PairPrefix + "a"), Value = value } });
        request.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Text(PairPrefix + "b"), Value = value } });
        var floor = World.Revisions.Floor;
        Ask(
            process => process.Door.TxnAsync(request),
            response =>
            {
                World.Revisions.OnAnswered(response.Header.Revision, floor, "a pair of puts");
                Count((ulong)response.Header.Revision);
                Later(Think());
            },
            error => Refused(null, error),
            () => Later(Think()));
    }

    /// <summary>A whole prefix at one revision, the present one or one of the past; every answer is held against the chronicle.</summary>
    private void ReadRange(bool isSerializable)
    {
        var prefix = Dice.Next(3) switch { 0 => "k/", 1 => PairPrefix, _ => LeaseClient.Prefix };
        var past = Dice.Chance(0.3) && World.Revisions.Floor > 3 ? World.Revisions.Floor - Dice.Next((int)Math.Min(World.Revisions.Floor - 1, 40)) : 0;
        var request = new RangeRequest { Key = Text(prefix), RangeEnd = Text(prefix[..^1] + (char)(prefix[^1] + 1)), Serializable = isSerializable, Revision = past };
        var floor = isSerializable ? 0 : World.Revisions.Floor;
        Ask(
            process => process.Door.RangeAsync(request),
            response =>
            {
                if (!isSerializable) World.Revisions.OnAnswered(response.Header.Revision, floor, $"a range over {prefix}");
                HoldAgainstLog(prefix, past > 0 ? past : response.Header.Revision, response);
                Count((ulong)response.Header.Revision ^ (ulong)response.Kvs.Count << 32);
                Later(Think());
            },
            error => Refused(null, error),
            () => Later(Think()));
    }

    private void HoldAgainstLog(string prefix, long revision, RangeResponse response)
    {
        var expected = World.KeyspaceChronicle.RangeAt(prefix, revision);
        ClusterCheck.Require(expected.Count == response.Kvs.Count, $"a range over {prefix} at revision {revision} has {response.Kvs.Count} keys; the log says {expected.Count}");
        for (var i = 0; i < expected.Count; i++)
        {
            var (kv, change) = (response.Kvs[i], expected[i]);
            ClusterCheck.Require(
                kv.Key.ToStringUtf8() == change.Key && kv.ModRevision == change.Mod && kv.Lease == change.Lease && kv.Value.Span.SequenceEqual(change.Value),
                $"a range over {prefix} at revision {revision} shows {kv.Key.ToStringUtf8()} of {kv.ModRevision}; the log says {change.Key} of {change.Mod}");
        }
    }

    private void DeleteAll()
    {
        Ask(
            process => process.Door.DeleteRangeAsync(new DeleteRangeRequest { Key = Text(PairPrefix), RangeEnd = Text("p0") }),
            response =>
            {
                Count((ulong)response.Header.Revision);
                Later(Think());
            },
            error => Refused(null, error),
            () => Later(Think()));
    }

    private void Compact()
    {
        var behind = Dice.Next(2, 60);
        var revision = World.Revisions.Floor - behind;
        if (World.Options.BetweenCompactions == TimeSpan.Zero || revision < 1 || !Dice.Chance(0.5))
        {
            Later(Think());
            return;
        }

        Ask(
            process => process.Door.CompactAsync(new CompactionRequest { Revision = revision, Physical = Dice.Chance(0.3) }),
            response =>
            {
                Count((ulong)response.Header.Revision);
                Later(Think());
            },
            error => Refused(null, error),
            () => Later(Think()));
    }
}
