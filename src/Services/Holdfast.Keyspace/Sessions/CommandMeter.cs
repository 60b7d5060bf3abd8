using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>What is counted of a command on this node.</summary>
internal sealed class CommandStatistics
{
    private const int Buckets = 32;
    private long[]? histogram;

    public long Calls { get; private set; }

    public long Micros { get; private set; }

    public long Rejected { get; set; }

    public long Failed { get; set; }

    /// <summary>Calls by their time: at i, those that took at most 2^i microseconds and more than half of that.</summary>
    public ReadOnlySpan<long> Histogram => histogram;

    public void Add(long micros)
    {
        Calls++;
        Micros += micros;
        histogram ??= new long[Buckets];
        histogram[Math.Min(micros <= 1 ? 0 : 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)micros - 1), Buckets - 1)]++;
    }

    /// <summary>The time, in microseconds, under which this share of the calls stayed; 0 without calls.</summary>
    public double Percentile(double share)
    {
        var left = (long)Math.Ceiling(Calls * share);
        for (var i = 0; histogram is not null && i < Buckets; i++)
            if ((left -= histogram[i]) <= 0) return 1L << i;
        return 0;
    }

    public void Reset()
    {
        Calls = Micros = Rejected = Failed = 0;
        histogram = null;
    }
}

/// <summary>Takes the time of commands: one reading of the clock each, because the end of one is the beginning of the next. Feeds the statistics, the slow log and those who watch (MONITOR).</summary>
internal sealed class CommandMeter(KeyspaceNode node)
{
    private Instant begunAt;

    /// <summary>Clients that see every command.</summary>
    public HashSet<ClientSession> Monitors { get; } = [];

    /// <summary>Commands are about to be executed.</summary>
    public void Start() => begunAt = node.ReadClock();

    /// <summary>A command was executed.</summary>
    /// <param name="client">Whose.</param>
    /// <param name="spec">What.</param>
    /// <param name="shard">Where; null for the node.</param>
    public void Lap(ClientSession client, CommandSpec spec, ShardMachine? shard)
    {
        var now = node.ReadClock();
        var micros = (now - begunAt).Ticks / 10;
        begunAt = now;
        spec.Statistics.Add(micros);
        if (node.Settings.LatencyMillis > 0) node.Latency.Add(spec.Has(CommandFlags.Fast) ? LatencyMonitor.FastCommand : LatencyMonitor.Command, micros);
        var reply = client.Replies.SinceMark;
        if (reply.Length > 0 && reply[0] == '-')
        {
            spec.Statistics.Failed++;
            CountError(reply[1..]);
        }

        if (node.Settings.SlowMicros >= 0 && micros >= node.Settings.SlowMicros && !spec.Has(CommandFlags.SkipSlowlog)) node.SlowLog.Add(node, client, micros);
        if (Monitors.Count > 0 && !spec.Has(CommandFlags.SkipMonitor) && !spec.Has(CommandFlags.Admin)) Tell(client, client.Input.Request, shard);
    }

    /// <summary>A queued command is about to be executed by EXEC: those who watch see it before EXEC itself, as with Redis.</summary>
    /// <param name="client">Whose.</param>
    /// <param name="spec">What.</param>
    /// <param name="request">Its words.</param>
    /// <param name="shard">Where; null for the node.</param>
    public void ShowQueued(ClientSession client, CommandSpec spec, RespArguments request, ShardMachine? shard)
    {
        if (Monitors.Count > 0 && !spec.Has(CommandFlags.SkipMonitor) && !spec.Has(CommandFlags.Admin)) Tell(client, request, shard);
    }

    /// <summary>A command was refused before it was executed.</summary>
    public void Reject(CommandSpec? spec, string text)
    {
        if (spec is not null) spec.Statistics.Rejected++;
        CountError(Encoding.ASCII.GetBytes(text[..Math.Min(text.Length, 32)]));
    }

    private void CountError(ReadOnlySpan<byte> text)
    {
        const int CodesMax = 128;
        node.Counters.Errors++;
        var stop = text.IndexOfAny((byte)' ', (byte)'\r');
        var code = Encoding.ASCII.GetString(text[..(stop < 0 ? Math.Min(text.Length, 32) : Math.Min(stop, 32))]);
        if (node.Counters.ErrorCodes.TryGetValue(code, out var count) || node.Counters.ErrorCodes.Count < CodesMax) node.Counters.ErrorCodes[code] = count + 1;
    }

    /// <summary>Shows a command to those who watch: with its entry, when it has one (S18).</summary>
    private void Tell(ClientSession client, RespArguments request, ShardMachine? shard)
    {
        var line = new StringBuilder();
        line.Append(System.Globalization.CultureInfo.InvariantCulture, $"{node.WallMicros / 1_000_000}.{node.WallMicros % 1_000_000:000000} [0 {client.Traits.Address}]");
        for (var i = 0; i < request.Count; i++) line.Append(' ').Append(Quoted.Show(request[i]));
        var bytes = Encoding.Latin1.GetBytes(line.ToString());
        foreach (var monitor in Monitors)
        {
            monitor.Replies.Writer.Simple(bytes);
            if (shard is null) monitor.OnPushed();
            else shard.Pushed.Add(monitor);
        }
    }
}

/// <summary>Bytes as a person reads them, in quotes (Redis's sdscatrepr).</summary>
internal static class Quoted
{
    public static string Show(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (var letter in bytes)
        {
            switch (letter)
            {
                case (byte)'\\' or (byte)'"': text.Append('\\').Append((char)letter); break;
                case (byte)'\n': text.Append("\\n"); break;
                case (byte)'\r': text.Append("\\r"); break;
                case (byte)'\t': text.Append("\\t"); break;
                case 7: text.Append("\\a"); break;
                case 8: text.Append("\\b"); break;
                case >= 32 and < 127: text.Append((char)letter); break;
                default: text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\x{letter:x2}"); break;
            }
        }

        return text.Append('"').ToString();
    }
}
