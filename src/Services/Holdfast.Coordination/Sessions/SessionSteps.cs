using System.Globalization;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using static Holdfast.Coordination.Protocol.Compare.Types;

namespace Holdfast.Coordination.Sessions;

/// <summary>
/// What sessions do, as transactions over keys: each step is one entry of the log, executed alike on every replica. The rules: whoever holds a key has the lock record; whoever may still believe that he holds it has
/// the delay record; a key is given to a session that lives, and only when neither is there. A key's flags, where they are not 0, stand in a record that is written with it.
/// </summary>
internal static class SessionSteps
{
    /// <summary>Takes a key for a session, or writes it again if the session has it. Answers (true: newly taken); else the inner transaction says whether the session had it.</summary>
    public static TxnRequest Acquire(SessionRecord session, string key, ByteString value, ulong flags, PlantedSessionBug bug)
    {
        var (id, record, locked, delay) = (SessionKeys.Bytes(session.Id), SessionKeys.Record(session.Id), SessionKeys.Lock(key), SessionKeys.Delay(key));
        var keyLease = session.Behavior == SessionBehavior.Delete ? session.Lease : 0;
        var (write, flag) = (Put(SessionKeys.Bytes(key), value, keyLease), Flag(key, flags, keyLease));
        var take = new TxnRequest
        {
            Compare = { Exists(record), IsAbsent(locked), IsAbsent(delay) },
            Success = { Put(locked, id, session.Lease), write, flag },
            Failure =
            {
                new RequestOp
                {
                    RequestTxn = new TxnRequest
                    {
                        Compare = { Exists(record), Is(locked, id) },
                        Success = { write, Range(locked), flag },
                        Failure = { Range(record) },
                    },
                },
            },
        };
        if (bug == PlantedSessionBug.SessionKeyGivenDuringDelay) take.Compare.RemoveAt(2);
        if (session.DelayLease != 0) take.Success.Add(Put(delay, id, session.DelayLease));
        return take;
    }

    /// <summary>Gives a key back: at once, without a delay.</summary>
    public static TxnRequest Release(string session, string key, ByteString value, ulong flags) => new()
    {
        Compare = { Is(SessionKeys.Lock(key), SessionKeys.Bytes(session)) },
        Success = { Put(SessionKeys.Bytes(key), value, 0), Delete(SessionKeys.Lock(key)), Delete(SessionKeys.Delay(key)), Flag(key, flags, 0) },
    };

    /// <summary>Writes a key whoever holds it, without letting go of what it hangs on: locks are advice, as in Consul.</summary>
    public static TxnRequest Write(string key, ByteString value, ulong flags) => new()
    {
        Compare = { Exists(SessionKeys.Bytes(key)) },
        Success = { new RequestOp { RequestPut = new PutRequest { Key = SessionKeys.Bytes(key), Value = value, IgnoreLease = true } }, Flag(key, flags, 0) },
        Failure = { Put(SessionKeys.Bytes(key), value, 0), Flag(key, flags, 0) },
    };

    /// <summary>Writes a key if it is as it was at a revision; at 0, if it is not there.</summary>
    public static TxnRequest WriteAt(string key, ByteString value, ulong flags, long revision) => new()
    {
        Compare = { IsOf(SessionKeys.Bytes(key), revision) },
        Success = { revision == 0 ? Put(SessionKeys.Bytes(key), value, 0) : new RequestOp { RequestPut = new PutRequest { Key = SessionKeys.Bytes(key), Value = value, IgnoreLease = true } }, Flag(key, flags, 0) },
    };

    /// <summary>Deletes a key, and with it whoever holds it, if it is as it was at a revision; else looks whether it is there.</summary>
    public static TxnRequest RemoveAt(string key, long revision)
    {
        var remove = Remove(key);
        remove.Compare.Add(IsOf(SessionKeys.Bytes(key), revision));
        remove.Failure.Add(Range(SessionKeys.Bytes(key)));
        return remove;
    }

    /// <summary>Deletes every key that begins so, and with them whoever holds them.</summary>
    public static TxnRequest RemoveAll(KeyFamily family)
    {
        var remove = new TxnRequest();
        foreach (var (from, to) in family.Ranges.Append(KeyFamily.Under(SessionKeys.Lock(family.Prefix))).Append(KeyFamily.Under(SessionKeys.Delay(family.Prefix))).Append(KeyFamily.Under(SessionKeys.Flags(family.Prefix))))
            remove.Success.Add(new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = from, RangeEnd = to } });
        return remove;
    }

    /// <summary>Every key that begins so, up to a number of them; and, last, who holds them and their flags; at one revision.</summary>
    public static TxnRequest LookAll(KeyFamily family, long keysMax, bool withValues)
    {
        var look = new TxnRequest();
        foreach (var (from, to) in family.Ranges) look.Success.Add(new RequestOp { RequestRange = new RangeRequest { Key = from, RangeEnd = to, Limit = keysMax, KeysOnly = !withValues } });
        foreach (var (from, to) in (ReadOnlySpan<(ByteString, ByteString)>)[KeyFamily.Under(SessionKeys.Lock(family.Prefix)), KeyFamily.Under(SessionKeys.Flags(family.Prefix))])
            look.Success.Add(new RequestOp { RequestRange = new RangeRequest { Key = from, RangeEnd = to, Limit = keysMax } });
        return look;
    }

    /// <summary>Deletes a key, and with it whoever holds it.</summary>
    public static TxnRequest Remove(string key) => new() { Success = { Delete(SessionKeys.Bytes(key)), Delete(SessionKeys.Lock(key)), Delete(SessionKeys.Delay(key)), Delete(SessionKeys.Flags(key)) } };

    /// <summary>A key, who holds it and its flags, at one revision.</summary>
    public static TxnRequest Look(string key) => new() { Success = { Range(SessionKeys.Bytes(key)), Range(SessionKeys.Lock(key)), Range(SessionKeys.Flags(key)) } };

    /// <summary>From now on the session takes nothing more.</summary>
    public static TxnRequest End(string session) => new() { Success = { Delete(SessionKeys.Record(session)) } };

    /// <summary>Hangs a delay record on another lease, if it still is this session's.</summary>
    public static TxnRequest Postpone(string session, ByteString delay, long lease) => new()
    {
        Compare = { Is(delay, SessionKeys.Bytes(session)) },
        Success = { Put(delay, SessionKeys.Bytes(session), lease) },
    };

    private static RequestOp Flag(string key, ulong flags, long lease) => flags == 0 ? Delete(SessionKeys.Flags(key)) : Put(SessionKeys.Flags(key), SessionKeys.Bytes(flags.ToString(CultureInfo.InvariantCulture)), lease);

    private static RequestOp Put(ByteString key, ByteString value, long lease) => new() { RequestPut = new PutRequest { Key = key, Value = value, Lease = lease } };

    private static RequestOp Delete(ByteString key) => new() { RequestDeleteRange = new DeleteRangeRequest { Key = key } };

    private static RequestOp Range(ByteString key) => new() { RequestRange = new RangeRequest { Key = key } };

    /// <summary>Last written at this revision; at 0: not there.</summary>
    private static Compare IsOf(ByteString key, long revision) => new() { Target = CompareTarget.Mod, Result = CompareResult.Equal, Key = key, ModRevision = revision };

    private static Compare Exists(ByteString key) => new() { Target = CompareTarget.Create, Result = CompareResult.Greater, Key = key, CreateRevision = 0 };

    private static Compare IsAbsent(ByteString key) => new() { Target = CompareTarget.Create, Result = CompareResult.Equal, Key = key, CreateRevision = 0 };

    private static Compare Is(ByteString key, ByteString value) => new() { Target = CompareTarget.Value, Result = CompareResult.Equal, Key = key, Value = value };
}
