using Google.Protobuf;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Kv;

/// <summary>Alarms, as commands: listed, raised and cleared by etcd's rules; and what each forbids.</summary>
internal static class AlarmExecution
{
    /// <summary>Executes a request. <paramref name="isOwn"/>: a member raises or clears its own alarm, and leaves those of operators alone.</summary>
    public static AlarmResponse Run(MvccStore store, AlarmRequest request, bool isOwn)
    {
        var response = new AlarmResponse { Header = new ResponseHeader { Revision = store.Revision } };
        switch (request.Action)
        {
            case AlarmRequest.Types.AlarmAction.Get:
                foreach (var alarm in store.Alarms.All)
                    if (request.Alarm == AlarmType.None || request.Alarm == alarm.Type) response.Alarms.Add(Told(alarm));
                break;
            case AlarmRequest.Types.AlarmAction.Activate when request.Alarm is AlarmType.Nospace or AlarmType.Corrupt:
                var raised = store.Alarms.Find(request.MemberID, request.Alarm) ?? new Alarm(request.MemberID, request.Alarm, isOwn);
                store.Alarms.Raise(raised);
                response.Alarms.Add(Told(raised));
                Note(store, raised, 1);
                break;
            case AlarmRequest.Types.AlarmAction.Deactivate when store.Alarms.Find(request.MemberID, request.Alarm) is { } on && (on.IsOwn || !isOwn):
                store.Alarms.Clear(on);
                response.Alarms.Add(Told(on));
                Note(store, on, 2);
                break;
        }

        return response;
    }

    /// <summary>What the alarms that are on forbid of a command, or null. Deletions, compaction and leases go on when the space is out.</summary>
    public static EtcdError? Refusal(AlarmTable alarms, IMessage request)
    {
        if (alarms.IsCorrupt) return EtcdErrors.Corrupt;
        return alarms.IsOutOfSpace && Takes(request) ? EtcdErrors.NoSpace : null;
    }

    /// <summary>Whether a request may take space: a put, also in a branch that may not run (etcd's rule).</summary>
    public static bool Takes(IMessage request) => request switch
    {
        PutRequest => true,
        TxnRequest txn => Takes(txn.Success) || Takes(txn.Failure),
        _ => false,
    };

    private static bool Takes(Google.Protobuf.Collections.RepeatedField<RequestOp> operations)
    {
        for (var i = 0; i < operations.Count; i++)
        {
            if (operations[i].RequestCase == RequestOp.RequestOneofCase.RequestPut) return true;
            if (operations[i].RequestCase == RequestOp.RequestOneofCase.RequestTxn && Takes(operations[i].RequestTxn)) return true;
        }

        return false;
    }

    private static AlarmMember Told(Alarm alarm) => new() { MemberID = alarm.Member, Alarm = alarm.Type };

    private static void Note(MvccStore store, Alarm alarm, int what) => store.AddToHash((byte)CommandKind.Alarm, (long)alarm.Member, ((long)alarm.Type * 4) + what);
}
