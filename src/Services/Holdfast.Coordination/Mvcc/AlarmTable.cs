using System.Collections.Immutable;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Mvcc;

/// <summary>An alarm: who raised it, which, and whether the member itself did and will clear it, or an operator.</summary>
internal readonly record struct Alarm(ulong Member, AlarmType Type, bool IsOwn) : IComparable<Alarm>
{
    /// <summary>By type, then by member: the order in which etcd lists them.</summary>
    public int CompareTo(Alarm other) => Type != other.Type ? Type.CompareTo(other.Type) : Member.CompareTo(other.Member);
}

/// <summary>The alarms that are on, replicated. At most two for each member that ever was.</summary>
internal sealed class AlarmTable
{
    /// <summary>More members than this never raised an alarm at once; further ones change nothing, since one alarm stops writes already.</summary>
    public const int AlarmsMax = 128;

    /// <summary>All alarms. Immutable, so that a snapshot and other threads take them in O(1).</summary>
    public ImmutableSortedSet<Alarm> All { get; private set; } = [];

    /// <summary>Whether puts are refused.</summary>
    public bool IsOutOfSpace { get; private set; }

    /// <summary>Whether nothing is served but alarms and health.</summary>
    public bool IsCorrupt { get; private set; }

    /// <summary>The alarm of a member, or null.</summary>
    public Alarm? Find(ulong member, AlarmType type) => Find(All, member, type);

    /// <summary>The alarm of a member among these, or null.</summary>
    public static Alarm? Find(ImmutableSortedSet<Alarm> alarms, ulong member, AlarmType type) => alarms.TryGetValue(new Alarm(member, type, false), out var found) ? found : null;

    /// <summary>Switches an alarm on; it stays as it is when it is on already.</summary>
    public void Raise(Alarm alarm)
    {
        if (All.Count < AlarmsMax) Become(All.Add(alarm));
    }

    /// <summary>Switches an alarm off.</summary>
    public void Clear(Alarm alarm) => Become(All.Remove(alarm));

    private void Become(ImmutableSortedSet<Alarm> alarms)
    {
        All = alarms;
        (IsOutOfSpace, IsCorrupt) = (false, false);
        foreach (var alarm in alarms)
        {
            IsOutOfSpace |= alarm.Type == AlarmType.Nospace;
            IsCorrupt |= alarm.Type == AlarmType.Corrupt;
        }
    }
}
