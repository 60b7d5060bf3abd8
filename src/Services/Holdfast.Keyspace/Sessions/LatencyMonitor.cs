namespace Holdfast.Keyspace;

/// <summary>The delays of one kind: the last ones, at most one a second, oldest first, and the worst ever.</summary>
internal sealed class LatencySeries
{
    /// <summary>What is kept of each kind (Redis's LATENCY_TS_LEN).</summary>
    public const int SamplesMax = 160;

    private readonly List<(long Seconds, long Millis)> samples = [];

    public IReadOnlyList<(long Seconds, long Millis)> Samples => samples;

    public long Worst { get; private set; }

    public void Add(long seconds, long millis)
    {
        Worst = Math.Max(Worst, millis);
        if (samples.Count > 0 && samples[^1].Seconds == seconds)
        {
            samples[^1] = (seconds, Math.Max(samples[^1].Millis, millis));
            return;
        }

        if (samples.Count == SamplesMax) samples.RemoveAt(0);
        samples.Add((seconds, millis));
    }
}

/// <summary>What held up this node for at least `latency-monitor-threshold` milliseconds, by kind: commands, the deletion of expired keys, eviction, and entries on their way to a quorum's disks. As many kinds as are named here.</summary>
internal sealed class LatencyMonitor(KeyspaceNode node)
{
    public const string Command = "command";

    public const string FastCommand = "fast-command";

    public const string ExpireCycle = "expire-cycle";

    public const string EvictionCycle = "eviction-cycle";

    /// <summary>An entry of clients that wait for it, from being proposed until it is committed: the disks' fsync and the way to the other nodes (Redis has "aof-fsync-always" in this place).</summary>
    public const string Commit = "commit";

    private readonly SortedDictionary<string, LatencySeries> events = new(StringComparer.Ordinal);

    /// <summary>From how many milliseconds on a delay is kept; 0 for none.</summary>
    public long ThresholdMillis => node.Settings.LatencyMillis;

    public IReadOnlyDictionary<string, LatencySeries> Events => events;

    /// <summary>Something took so long.</summary>
    public void Add(string name, long micros)
    {
        if (ThresholdMillis == 0 || micros < ThresholdMillis * 1000) return;
        if (!events.TryGetValue(name, out var series)) events[name] = series = new LatencySeries();
        series.Add(node.WallMicros / 1_000_000, micros / 1000);
    }

    /// <summary>Forgets all; says how many kinds there were.</summary>
    public int Clear()
    {
        var count = events.Count;
        events.Clear();
        return count;
    }

    /// <summary>Forgets a kind; false when nothing of it is known.</summary>
    public bool Clear(string name) => events.Remove(name);

    /// <summary>What to do about a kind.</summary>
    public static string Advice(string name) => name switch
    {
        Command => "Slow commands: SLOWLOG GET shows them; KEYS, SORT and ranges over large values can be asked for in parts (SCAN, LIMIT).",
        FastCommand => "Even short commands took long: the machine is short of processor time, or swaps.",
        ExpireCycle => "Many keys expire at the same moment: spread their times to live.",
        EvictionCycle => "Keys are evicted faster than they can be deleted: raise maxmemory, or keep values smaller.",
        Commit => "The disks or the way between the nodes are slow: look at fsync times (holdfast status, metrics), or use async durability for what may be lost.",
        _ => "",
    };
}
