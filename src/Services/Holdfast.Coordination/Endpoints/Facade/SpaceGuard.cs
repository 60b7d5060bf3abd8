using Holdfast.Coordination.Kv;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>
/// Watches one member's space and state, and raises its alarms: NOSPACE while the keyspace is above its quota, cleared when it is a tenth below again;
/// CORRUPT once this replica was seen to differ from another, never cleared by itself. Between two looks puts are stopped here already, so what can come in
/// above the quota is bounded by what was under way.
/// </summary>
internal sealed class SpaceGuard(IKeyspaceGroup group, ulong member, long quotaBytes)
{
    private static readonly Mark OutOfSpace = new("coordination: out of space, puts refused", elsewhere: "SpaceTests: simulated keyspaces stay far below their quota");
    private static readonly Mark SpaceIsBack = new("coordination: space is back, alarm cleared", elsewhere: "SpaceTests: simulated keyspaces stay far below their quota");
    private volatile bool isFull;

    /// <summary>Whether a request must be refused here and now, before it is proposed.</summary>
    public bool Refuses(Google.Protobuf.IMessage request) => isFull && AlarmExecution.Takes(request);

    /// <summary>Looks, and proposes at most one change of an alarm. <paramref name="hasDiverged"/>: the replica's state was seen to differ.</summary>
    public async ValueTask LookAsync(TickFindings findings, bool isLeader, bool hasDiverged, CancellationToken cancel)
    {
        isFull = findings.SizeBytes >= quotaBytes;
        var own = AlarmTable.Find(findings.Alarms, member, AlarmType.Nospace);
        if (hasDiverged && AlarmTable.Find(findings.Alarms, member, AlarmType.Corrupt) is null)
        {
            await ProposeAsync(AlarmRequest.Types.AlarmAction.Activate, member, AlarmType.Corrupt, cancel).ConfigureAwait(false);
        }
        else if (isFull && own is null)
        {
            OutOfSpace.Hit();
            await ProposeAsync(AlarmRequest.Types.AlarmAction.Activate, member, AlarmType.Nospace, cancel).ConfigureAwait(false);
        }
        else if (findings.SizeBytes < quotaBytes / 10 * 9)
        {
            await ClearAsync(findings, isLeader, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Its own alarm; and on the leader also that of a member that is gone and cannot clear it, since all members hold the same keyspace.</summary>
    private async ValueTask ClearAsync(TickFindings findings, bool isLeader, CancellationToken cancel)
    {
        foreach (var alarm in findings.Alarms)
        {
            if (alarm.Type != AlarmType.Nospace || !alarm.IsOwn || (alarm.Member != member && !isLeader)) continue;
            SpaceIsBack.Hit();
            await ProposeAsync(AlarmRequest.Types.AlarmAction.Deactivate, alarm.Member, AlarmType.Nospace, cancel).ConfigureAwait(false);
            return;
        }
    }

    private async ValueTask ProposeAsync(AlarmRequest.Types.AlarmAction action, ulong of, AlarmType type, CancellationToken cancel) =>
        await group.ProposeAsync(Command.Encode(CommandKind.OwnAlarm, new AlarmRequest { Action = action, MemberID = of, Alarm = type }), cancel).ConfigureAwait(false);
}
