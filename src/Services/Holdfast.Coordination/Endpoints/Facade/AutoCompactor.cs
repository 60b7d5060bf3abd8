using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>When the leader compacts without being asked, and to which revision. It keeps at most <see cref="SamplesMax"/> notes of (time, revision).</summary>
internal sealed class AutoCompactor(CoordinationOptions options)
{
    /// <summary>Notes per retention time, and one more: what goes is at most a tenth older than was asked for.</summary>
    private const int SamplesMax = 11;

    private static readonly TimeSpan RevisionInterval = TimeSpan.FromMinutes(5);
    private readonly Queue<(Instant At, long Revision)> samples = new();
    private Instant next = Instant.Zero;

    /// <summary>The revision to compact to, or null. Asked often; a member that does not lead forgets what it noted.</summary>
    public long? Due(Instant now, bool isLeader, long revision, long compacted)
    {
        if (!isLeader || options.AutoCompaction == AutoCompactionMode.Off)
        {
            samples.Clear();
            next = now;
            return null;
        }

        if (now < next) return null;
        var due = options.AutoCompaction == AutoCompactionMode.Periodic ? ByTime(now, revision) : ByRevision(now, revision);
        return due > compacted && due > 0 ? due : null;
    }

    private long? ByTime(Instant now, long revision)
    {
        next = now + (options.RetentionTime / (SamplesMax - 1));
        samples.Enqueue((now, revision));
        long? due = null;
        while (samples.TryPeek(out var oldest) && now - oldest.At >= options.RetentionTime) due = samples.Dequeue().Revision;
        return due;
    }

    private long? ByRevision(Instant now, long revision)
    {
        next = now + RevisionInterval;
        return revision - options.RetentionRevisions;
    }
}
