using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>
/// What keeps committed entries for a reader outside the group while the log forgets them: a snapshot shortens the log whenever it likes, and a reader comes when it likes. Bounded: a reader that
/// stays away for longer finds a gap, and begins again from a snapshot. On the group's loop.
/// </summary>
internal sealed class LogTap
{
    /// <summary>Most payload bytes that are kept; half a second of what a group takes at its fastest.</summary>
    private const long BytesMax = 32L * 1024 * 1024;

    private static readonly Mark Kept = new("replication: entries were kept for a reader when the log forgot them", elsewhere: "LogTapTests: nobody reads a simulated group's log from outside");
    private static readonly Mark Overrun = new("replication: a reader of the log stayed away too long", elsewhere: "LogTapTests: nobody reads a simulated group's log from outside");

    private readonly Queue<Entry> kept = new();
    private LogIndex given;
    private LogIndex lastKept;
    private long bytes;

    /// <summary>The reader has everything up to here.</summary>
    public void OnGiven(LogIndex through)
    {
        given = through;
        while (kept.TryPeek(out var oldest) && oldest.Position.Index <= through) bytes -= kept.Dequeue().Payload.Length;
    }

    /// <summary>The log is about to forget everything up to <paramref name="through"/>.</summary>
    public void BeforeCompaction(RaftLog log, LogIndex through)
    {
        var next = kept.Count > 0 ? lastKept.Next : given.Next;
        if (next <= log.Base.Index) return;
        for (; next <= through; next = next.Next)
        {
            var entry = log[next];
            bytes += entry.Payload.Length;
            if (bytes > BytesMax)
            {
                Overrun.Hit();
                kept.Clear();
                bytes = 0;
                return;
            }

            kept.Enqueue(entry with { Payload = entry.Payload.ToArray() });
            lastKept = next;
            Kept.Hit();
        }
    }

    /// <summary>The kept entries after an index, as far as the log's beginning; false when some are missing.</summary>
    public bool TryRead(LogIndex after, LogIndex logBase, int bytesMax, List<Entry> into)
    {
        var next = after.Next;
        var taken = 0;
        foreach (var entry in kept)
        {
            if (entry.Position.Index < next) continue;
            if (entry.Position.Index > next) return false;
            if (taken >= bytesMax) return true;
            into.Add(entry);
            taken += entry.Payload.Length + 32;
            next = next.Next;
        }

        return next > logBase;
    }
}
