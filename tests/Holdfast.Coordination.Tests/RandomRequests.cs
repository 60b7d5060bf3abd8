using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests;

/// <summary>Random requests over few keys, so that everything meets everything. Few enough keys (eleven) that etcd's sort is stable.</summary>
internal static class RandomRequests
{
    public const int LeaseIds = 5;

    private static readonly string[] Keys = ["a", "aa", "ab", "b", "c", "d", "e", "f", "\0", "z", "zz"];

    public static ByteString Key(SeededRandom dice) => dice.Chance(0.01) ? ByteString.Empty : Local.B(Keys[dice.Next(Keys.Length)]);

    public static PutRequest Put(SeededRandom dice)
    {
        var request = new PutRequest { Key = Key(dice), PrevKv = dice.Chance(0.3), IgnoreValue = dice.Chance(0.1), IgnoreLease = dice.Chance(0.1) };
        if (!request.IgnoreValue || dice.Chance(0.1)) request.Value = Value(dice);
        if (dice.Chance(0.3) && (!request.IgnoreLease || dice.Chance(0.1))) request.Lease = 1 + dice.Next(LeaseIds);
        return request;
    }

    public static DeleteRangeRequest Delete(SeededRandom dice) => new() { Key = Key(dice), RangeEnd = End(dice), PrevKv = dice.Chance(0.5) };

    public static RangeRequest Range(SeededRandom dice, long revision)
    {
        var request = new RangeRequest { Key = Key(dice), RangeEnd = End(dice), KeysOnly = dice.Chance(0.1), CountOnly = dice.Chance(0.1), Serializable = dice.Chance(0.3) };
        if (dice.Chance(0.3)) request.Limit = dice.Next(4);
        if (dice.Chance(0.4)) request.Revision = Math.Max(-1, revision - dice.Next(60) + 2);
        if (dice.Chance(0.3)) request.SortOrder = (RangeRequest.Types.SortOrder)dice.Next(3);
        if (dice.Chance(0.3)) request.SortTarget = (RangeRequest.Types.SortTarget)dice.Next(5);
        if (dice.Chance(0.1)) request.MinModRevision = revision - dice.Next(20);
        if (dice.Chance(0.1)) request.MaxModRevision = revision - dice.Next(20);
        if (dice.Chance(0.1)) request.MinCreateRevision = revision - dice.Next(20);
        if (dice.Chance(0.1)) request.MaxCreateRevision = revision - dice.Next(20);
        return request;
    }

    /// <summary>
    /// A transaction that etcd survives: its check overlooks an endless deletion before a put that keeps the old value, and then the process panics
    /// for want of one. (We store an empty value there.)
    /// </summary>
    public static TxnRequest SafeTxn(SeededRandom dice, long revision)
    {
        var request = Txn(dice, revision);
        if (HasEndlessDelete(request)) KeepNothing(request);
        return request;
    }

    private static bool HasEndlessDelete(TxnRequest request) => request.Success.Concat(request.Failure).Any(operation =>
        (operation.RequestDeleteRange is { } delete && delete.RangeEnd == ByteString.CopyFrom(0)) || (operation.RequestTxn is { } nested && HasEndlessDelete(nested)));

    private static void KeepNothing(TxnRequest request)
    {
        foreach (var operation in request.Success.Concat(request.Failure))
        {
            if (operation.RequestPut is { } put) (put.IgnoreValue, put.IgnoreLease) = (false, false);
            if (operation.RequestTxn is { } nested) KeepNothing(nested);
        }
    }

    public static TxnRequest Txn(SeededRandom dice, long revision, int depth = 0)
    {
        var request = new TxnRequest();
        for (var count = dice.Next(3); count > 0; count--) request.Compare.Add(Compare(dice, revision));
        for (var count = dice.Next(4); count > 0; count--) request.Success.Add(Operation(dice, revision, depth));
        for (var count = dice.Next(4); count > 0; count--) request.Failure.Add(Operation(dice, revision, depth));
        return request;
    }

    /// <summary>
    /// A watch of any kind; some begin before the compacted revision, some in the future, some ask for an id that is taken. None begins at exactly the
    /// compacted revision, where etcd 3.4 has forgotten deletions.
    /// </summary>
    public static WatchCreateRequest Watch(SeededRandom dice, long revision, long compacted)
    {
        var request = new WatchCreateRequest { Key = Key(dice), RangeEnd = End(dice), PrevKv = dice.Chance(0.5), Fragment = dice.Chance(0.3) };
        if (dice.Chance(0.7)) request.StartRevision = compacted - 5 + dice.Next((int)(revision - compacted) + 15);
        if (request.StartRevision == compacted) request.StartRevision++;
        if (dice.Chance(0.3)) request.WatchId = 100 + dice.Next(5);
        if (dice.Chance(0.2)) request.Filters.Add((WatchCreateRequest.Types.FilterType)dice.Next(2));
        return request;
    }

    private static RequestOp Operation(SeededRandom dice, long revision, int depth)
    {
        var kind = dice.Next(100);
        if (kind < 40) return new RequestOp { RequestPut = Put(dice) };
        if (kind < 60) return new RequestOp { RequestDeleteRange = dice.Chance(0.5) ? new DeleteRangeRequest { Key = Key(dice) } : Delete(dice) };
        return kind < 85 || depth > 2 ? new RequestOp { RequestRange = Range(dice, revision) } : new RequestOp { RequestTxn = Txn(dice, revision, depth + 1) };
    }

    private static Compare Compare(SeededRandom dice, long revision)
    {
        var compare = new Compare { Key = Key(dice), Result = (Compare.Types.CompareResult)dice.Next(4), Target = (Compare.Types.CompareTarget)dice.Next(5) };
        if (dice.Chance(0.2)) compare.RangeEnd = End(dice);
        switch (compare.Target)
        {
            case Protocol.Compare.Types.CompareTarget.Version: compare.Version = dice.Next(3); break;
            case Protocol.Compare.Types.CompareTarget.Create: compare.CreateRevision = dice.Chance(0.5) ? 0 : revision - dice.Next(30); break;
            case Protocol.Compare.Types.CompareTarget.Mod: compare.ModRevision = dice.Chance(0.3) ? 0 : revision - dice.Next(10); break;
            case Protocol.Compare.Types.CompareTarget.Value: compare.Value = Value(dice); break;
            default: compare.Lease = dice.Next(LeaseIds); break;
        }

        return compare;
    }

    private static ByteString Value(SeededRandom dice) => dice.Chance(0.05) ? ByteString.Empty : Local.B(dice.Next(10).ToString());

    private static ByteString End(SeededRandom dice) => dice.Next(10) switch
    {
        < 4 => ByteString.Empty,
        < 5 => ByteString.CopyFrom(0),
        _ => Key(dice),
    };
}

/// <summary>Random commands for a state machine.</summary>
internal static class RandomCommands
{
    public static byte[] Next(SeededRandom dice, long revision) => dice.Next(100) switch
    {
        < 40 => Command.Encode(CommandKind.Put, RandomRequests.Put(dice)),
        < 55 => Command.Encode(CommandKind.DeleteRange, RandomRequests.Delete(dice)),
        < 85 => Command.Encode(CommandKind.Txn, RandomRequests.Txn(dice, revision)),
        < 87 => Command.Encode(CommandKind.Compact, new CompactionRequest { Revision = revision - dice.Next(40), Physical = dice.Chance(0.3) }),
        < 93 => Command.Encode(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 1 + dice.Next(RandomRequests.LeaseIds), TTL = 60 }),
        < 95 => Command.Encode(dice.Chance(0.5) ? CommandKind.Alarm : CommandKind.OwnAlarm, Alarm(dice)),
        < 97 => Command.Encode(CommandKind.LeaseKeepAlive, new LeaseKeepAliveRequest { ID = 1 + dice.Next(RandomRequests.LeaseIds) }),
        _ => Command.Encode(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = 1 + dice.Next(RandomRequests.LeaseIds) }),
    };
    private static AlarmRequest Alarm(SeededRandom dice) => new()
    {
        Action = dice.Chance(0.3) ? AlarmRequest.Types.AlarmAction.Activate : AlarmRequest.Types.AlarmAction.Deactivate,
        MemberID = (ulong)(1 + dice.Next(2)),
        Alarm = AlarmType.Nospace,
    };
}
