using Holdfast.Coordination.Kv;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>
/// Watches one member's space and state, and raises its alarms: NOSPACE while the keyspace is above its quota, or too few disks have room, cleared when it is a tenth below again and a
/// majority's disks have room (<see cref="MajorityRoom"/>); CORRUPT once this replica was seen to differ from another, never cleared by itself. Between two looks puts are stopped here already, and so is one that
/// is itself larger than what is left, so what can come in above the quota is bounded by what was under way.
/// </summary>
internal sealed class SpaceGuard(IKeyspaceGroup group, ulong member, SpaceBounds bounds, Func<DiskRoom?>? diskRoom)
{
    private static readonly Mark OutOfSpace = new("coordination: out of space, puts refused", elsewhere: "SpaceTests: simulated keyspaces stay far below their quota");
    private static readonly Mark SpaceIsBack = new("coordination: space is back, alarm cleared", elsewhere: "SpaceTests: simulated keyspaces stay far below their quota");
    private readonly Lock gate = new();
    private Task raising = Task.CompletedTask;
    private volatile bool isFull;
    private volatile bool isAlarmed;
    private volatile bool isOwnOn;
    private long sizeBytes;
    private bool wereDisksShort;

    /// <summary>Whether some member's NOSPACE is on that members clear by themselves.</summary>
    public bool IsAlarmed => isAlarmed;

    /// <summary>Whether a request must be refused here and now, before it is proposed: the quota is met, or would be by this one.</summary>
    public bool Refuses(Google.Protobuf.IMessage request) => (isFull || bounds.AreMetBy(Volatile.Read(ref sizeBytes), request)) && AlarmExecution.Takes(request);

    /// <summary>Raises this member's NOSPACE at once, for somebody who is about to be told of it. One raises and the others wait for him, so that all together wait for one proposal, whatever becomes of it.</summary>
    public ValueTask RaiseAsync(CancellationToken cancel)
    {
        if (isOwnOn) return default;
        lock (gate)
        {
            if (raising.IsCompleted) raising = RaiseOnceAsync();
            return new ValueTask(raising.WaitAsync(cancel));
        }
    }

    private async Task RaiseOnceAsync()
    {
        try
        {
            OutOfSpace.Hit();
            await ProposeAsync(AlarmRequest.Types.AlarmAction.Activate, member, AlarmType.Nospace, CancellationToken.None).ConfigureAwait(false);
            isOwnOn = true;
        }
        catch (EtcdException)
        {
            // That there is no space is the answer all the same, and the next look raises it.
        }
    }

    /// <summary>Looks, and proposes at most one change of an alarm. <paramref name="hasDiverged"/>: the replica's state was seen to differ.</summary>
    public async ValueTask LookAsync(TickFindings findings, bool isLeader, bool hasDiverged, CancellationToken cancel)
    {
        var disks = diskRoom is null ? DiskRoom.Ample : diskRoom();
        Volatile.Write(ref sizeBytes, findings.SizeBytes);
        isFull = findings.SizeBytes >= bounds.QuotaBytes || disks == DiskRoom.Short;
        isAlarmed = findings.Alarms.Any(static alarm => alarm is { Type: AlarmType.Nospace, IsOwn: true });
        var mayClear = MayClear(disks);
        var own = AlarmTable.Find(findings.Alarms, member, AlarmType.Nospace);
        isOwnOn = own is not null;
        if (hasDiverged && AlarmTable.Find(findings.Alarms, member, AlarmType.Corrupt) is null)
        {
            await ProposeAsync(AlarmRequest.Types.AlarmAction.Activate, member, AlarmType.Corrupt, cancel).ConfigureAwait(false);
        }
        else if (isFull && own is null)
        {
            OutOfSpace.Hit();
            await ProposeAsync(AlarmRequest.Types.AlarmAction.Activate, member, AlarmType.Nospace, cancel).ConfigureAwait(false);
        }
        else if (findings.SizeBytes < bounds.QuotaBytes / 10 * 9 && mayClear)
        {
            await ClearAsync(findings, isLeader, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Disks that were short must have ample room again; those that never were need only not be short. Where nobody has looked, nothing is cleared.</summary>
    private bool MayClear(DiskRoom? disks)
    {
        if (disks == DiskRoom.Short) wereDisksShort = true;
        else if (disks == DiskRoom.Ample || !isAlarmed) wereDisksShort = false;
        return disks == DiskRoom.Ample || (disks == DiskRoom.Scant && !wereDisksShort);
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
