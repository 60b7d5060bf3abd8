using System.Collections.Immutable;
using Holdfast.Coordination.Endpoints;

namespace Holdfast.Server.Hosting;

/// <summary>The alarms that are on at this node. One list, replaced whole: the status, the metrics page and the log read the same.</summary>
internal sealed class NodeAlarms
{
    /// <summary>Every code there is, so that each has a series from the start.</summary>
    public static readonly IReadOnlyList<string> Codes = ["ended_by_fault", "divergence", "snapshot_failed", "backup_failed", "backup_off_site_failed", "nospace", "corrupt"];

    private readonly Lock gate = new();
    private ImmutableSortedDictionary<string, string> on = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Those that are on.</summary>
    public IReadOnlyList<AlarmStatus> On => [.. Volatile.Read(ref on).Select(alarm => new AlarmStatus(alarm.Key, alarm.Value))];

    /// <summary>Whether an alarm is on.</summary>
    public bool IsOn(string code) => Volatile.Read(ref on).ContainsKey(code);

    /// <summary>The process before this one ended by itself. On until this process ends.</summary>
    public void EndedByFault(string lastWords) => Set("ended_by_fault", lastWords);

    /// <summary>Turns an alarm on, or with null off; true when that is news.</summary>
    public bool Set(string code, string? sentence)
    {
        lock (gate)
        {
            if (on.ContainsKey(code) == sentence is not null) return false;
            Volatile.Write(ref on, sentence is null ? on.Remove(code) : on.Add(code, sentence));
            return true;
        }
    }
}
