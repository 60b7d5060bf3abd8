using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Cluster;

/// <summary>Where the log that follows a base ends, at the asked moment or by itself.</summary>
/// <param name="Last">The last entry before the cut.</param>
/// <param name="TimeMicros">The stamped time of the last command before the cut.</param>
/// <param name="CoveredMicros">Everything acknowledged before this moment was seen; 0 when no mark says so.</param>
/// <param name="HasPassed">Whether an entry stamped after the asked moment was seen: then nothing before it is missing.</param>
/// <param name="Entries">How many entries lie between.</param>
/// <param name="Level">The highest feature level.</param>
/// <param name="Configuration">The configuration in force at the cut; null when the base's own still is.</param>
/// <param name="Gap">Where the log goes on after entries that are missing; null without a gap.</param>
internal sealed record ChainEnd(LogPosition Last, long TimeMicros, long CoveredMicros, bool HasPassed, ulong Entries, uint Level, Configuration? Configuration, LogPosition? Gap)
{
    /// <summary>Whether the log is read to its end or to the cut, with nothing missing between.</summary>
    public bool IsWhole => Gap is null;

    /// <summary>Whether everything stamped up to a moment is before the cut.</summary>
    public bool Reaches(long micros) => HasPassed || CoveredMicros >= micros;

    public string Fault(GroupId group) => $"group {group}: entries between {Last} and {Gap} are missing";
}

/// <summary>Walks a group's archived log from a base to a moment.</summary>
internal static class ChainWalk
{
    /// <summary>Walks.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="group">The group.</param>
    /// <param name="from">The base.</param>
    /// <param name="toMicros">Nothing stamped after this moment; null for everything.</param>
    /// <param name="take">Given each entry, in order.</param>
    /// <param name="mark">Given each mark whose position has just been reached.</param>
    /// <param name="progress">Told how many bytes were read.</param>
    /// <param name="bug">A planted mistake.</param>
    public static ChainEnd Run(Archive archive, GroupId group, ArchivedBase from, long? toMicros, Action<Entry>? take = null, Action<ArchiveMark>? mark = null, Action<long>? progress = null, PlantedBackupBug bug = default)
    {
        var end = new ChainEnd(from.Position, from.TimeMicros, 0, false, 0, from.FeatureLevel, null, null);
        foreach (var number in ArchivedLog.Segments(archive.Disk, group))
        {
            if (ArchivedSegment.Read(archive.Disk, archive.Identity.Cluster, group, number) is not { } segment) continue;
            progress?.Invoke(segment.Length);
            if (segment.Last.Index < end.Last.Index) continue;
            if (segment.Previous.Index > end.Last.Index && bug != PlantedBackupBug.GapOverlooked) return end with { Gap = segment.Previous };
            foreach (var (entry, marked) in segment.Items())
            {
                if (marked is { } said)
                {
                    if (said.Position != end.Last) continue;
                    if (said.CoveredMicros > end.CoveredMicros) end = end with { CoveredMicros = said.CoveredMicros };
                    mark?.Invoke(said);
                }
                else if (entry is { } next && next.Position.Index > end.Last.Index)
                {
                    var time = EntryStamp.TryRead(next, out var stamp) ? Math.Max(end.TimeMicros, stamp) : end.TimeMicros;
                    if ((bug == PlantedBackupBug.CutTooLate ? end.TimeMicros : time) > (toMicros ?? long.MaxValue)) return end with { HasPassed = true };
                    end = end with
                    {
                        Last = next.Position,
                        TimeMicros = time,
                        Entries = end.Entries + 1,
                        Level = Math.Max(end.Level, EntryStamp.LevelRaisedBy(next)),
                        Configuration = next.Kind == EntryKind.Configuration ? Decoded(next) : end.Configuration,
                    };
                    take?.Invoke(next);
                }
            }
        }

        return end;
    }

    private static Configuration? Decoded(in Entry entry)
    {
        var reader = new Wire.SpanReader(entry.Payload.Span);
        return Configuration.TryDecode(ref reader, out var found) ? found : null;
    }
}
