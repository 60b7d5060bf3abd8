using System.Diagnostics;
using System.Globalization;
using Holdfast.Replication;

namespace LargeState;

/// <summary>
/// What held this process up, and when: looks every two milliseconds whether its own thread was late (the machine was busy elsewhere), whether the collector stopped everything, how long the
/// log has been at its oldest batch, how long the group's loop has not answered, and whether the replica's role, term or snapshot changed. Its times are those of the machine's monotonic clock,
/// which all processes share, so that a pause seen by the leader can be laid beside what each node did meanwhile.
/// </summary>
internal sealed class StallWatch
{
    private const int NotesMax = 16 * 1024;
    private static readonly long Period = Stopwatch.Frequency / 500;
    private static readonly long Notable = Stopwatch.Frequency / 200;

    private readonly NodeRuntime node;
    private readonly ReplicatedGroup group;
    private readonly Lock gate = new();
    private readonly Queue<Note> notes = new();
    private readonly Running log = new("log");
    private readonly Running loop = new("loop");

    public StallWatch(NodeRuntime node, ReplicatedGroup group)
    {
        (this.node, this.group) = (node, group);
        new Thread(Run) { Name = "stall watch", IsBackground = true }.Start();
    }

    /// <summary>In a line, what was noted between two times, of each kind the longest; "nothing" when nothing was.</summary>
    public string Between(long from, long to)
    {
        lock (gate)
        {
            var met = notes.Where(note => note.From <= to && note.To >= from).GroupBy(note => note.What).Select(each => each.First().Ticks == 0 ? each.Key : $"{each.Key} {Millis(each.Max(note => note.Ticks))} ms").ToList();
            return met.Count == 0 ? "nothing" : string.Join(", ", met);
        }
    }

    private static string Millis(long ticks) => (ticks * 1000.0 / Stopwatch.Frequency).ToString("F1", CultureInfo.InvariantCulture);

    private void Run()
    {
        var last = Stopwatch.GetTimestamp();
        var collected = GC.GetTotalPauseDuration();
        var place = Place();
        Task? ping = null;
        long pingedAt = 0;
        while (true)
        {
            Thread.Sleep(2);
            var now = Stopwatch.GetTimestamp();
            if (now - last > Period + Notable) Add(new Note(last, now, "not scheduled"));
            last = now;

            var pauses = GC.GetTotalPauseDuration();
            if (pauses - collected > TimeSpan.FromMilliseconds(1)) Add(new Note(now - (long)((pauses - collected).TotalSeconds * Stopwatch.Frequency), now, "collector"));
            collected = pauses;

            var oldest = (long)(node.LogAge.TotalSeconds * Stopwatch.Frequency);
            if (log.Ends(now, oldest, Notable) is { } ofLog) Add(ofLog);
            if (ping is null or { IsCompleted: true }) (ping, pingedAt) = (group.FollowersAsync(), now);
            if (loop.Ends(now, now - pingedAt, Notable) is { } ofLoop) Add(ofLoop);

            if (Place() is var here && here != place) Add(new Note(now, now, here));
            place = here;
        }
    }

    private string Place()
    {
        var status = group.Status;
        return $"{status.Role} in term {status.Term} from snapshot {status.Snapshot.Index}";
    }

    private void Add(Note note)
    {
        lock (gate)
        {
            if (notes.Count == NotesMax) notes.Dequeue();
            notes.Enqueue(note);
        }
    }

    private readonly record struct Note(long From, long To, string What)
    {
        public long Ticks => To - From;
    }

    /// <summary>Something that has waited longer than is usual, from when it began until it is seen no more.</summary>
    private sealed class Running(string what)
    {
        private long since;
        private long seen;

        /// <summary>Takes a look; the note of what has just ended, if anything.</summary>
        public Note? Ends(long now, long waited, long notable)
        {
            if (waited > notable)
            {
                if (since == 0 || now - waited > seen)
                {
                    Note? before = since == 0 ? null : new Note(since, seen, what);
                    (since, seen) = (now - waited, now);
                    return before;
                }

                seen = now;
                return null;
            }

            if (since == 0) return null;
            var ended = new Note(since, seen, what);
            since = 0;
            return ended;
        }
    }
}
