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

    /// <summary>Whether it is known how its calls' times are distributed.</summary>
    public bool IsTimed => histogram is not null;

    /// <summary>A call took so long; whether that goes into the distribution of times too.</summary>
    public void Add(long micros, bool isTimed)
    {
        Calls++;
        Micros += micros;
        if (!isTimed) return;
        histogram ??= new long[Buckets];
        histogram[Math.Min(micros <= 1 ? 0 : 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)micros - 1), Buckets - 1)]++;
    }

    /// <summary>The time, in microseconds, under which this share of the calls stayed; 0 without calls.</summary>
    public double Percentile(double share)
    {
        var left = Math.Max(1, (long)Math.Ceiling(Histogram.Length == 0 ? 0 : histogram!.Sum() * share));
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
    /// <summary>Codes of errors that are told apart; what comes after counts in the sum only.</summary>
    private const int CodesMax = 128;

    /// <summary>The errors that the present script's calls have had.</summary>
    private readonly HashSet<string> codesWithin = new(StringComparer.Ordinal);
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
        spec.Statistics.Add(micros, node.Settings.TracksLatency);
        if (node.Settings.LatencyMillis > 0) node.Latency.Add(spec.Has(CommandFlags.Fast) ? LatencyMonitor.FastCommand : LatencyMonitor.Command, micros);
        var reply = client.Replies.SinceMark;
        if (reply.Length > 0 && reply[0] == '-')
        {
            spec.Statistics.Failed++;
            if (!IsCountedWithin(reply)) CountError(reply[1..]);
        }

        codesWithin.Clear();
        Judge(client, spec, client.Input.Request, micros);
        if (Monitors.Count > 0 && !spec.Has(CommandFlags.SkipMonitor) && !spec.Has(CommandFlags.Admin)) Tell(client.Traits.Address, spec, client.Input.Request, shard);
    }

    /// <summary>Writes a command down that was slow.</summary>
    public void Judge(ClientSession client, CommandSpec spec, RespArguments request, long micros)
    {
        if (node.Settings.SlowMicros >= 0 && micros >= node.Settings.SlowMicros && !spec.Has(CommandFlags.SkipSlowlog)) node.SlowLog.Add(node, client, spec, request, micros);
    }

    /// <summary>A command was executed within another one: by EXEC, or because a script called it.</summary>
    /// <param name="client">Whose; null for nobody's.</param>
    /// <param name="spec">What.</param>
    /// <param name="request">Its words.</param>
    /// <param name="begun">When it began.</param>
    /// <param name="reply">What it has replied.</param>
    /// <param name="isOfScript">Whether a script called it: what it may reply as its own error is counted already.</param>
    public void LapWithin(ClientSession? client, CommandSpec spec, RespArguments request, Instant begun, ReadOnlySpan<byte> reply, bool isOfScript)
    {
        var micros = (node.ReadClock() - begun).Ticks / 10;
        spec.Statistics.Add(micros, node.Settings.TracksLatency);
        if (client is not null) Judge(client, spec, request, micros);
        if (reply.Length == 0 || reply[0] != '-') return;
        spec.Statistics.Failed++;
        CountError(reply[1..]);
        if (isOfScript && codesWithin.Count < CodesMax) codesWithin.Add(CodeOf(reply[1..]));
    }

    /// <summary>A queued command is about to be executed by EXEC: those who watch see it before EXEC itself, as with Redis.</summary>
    /// <param name="client">Whose.</param>
    /// <param name="spec">What.</param>
    /// <param name="request">Its words.</param>
    /// <param name="shard">Where; null for the node.</param>
    public void ShowQueued(ClientSession client, CommandSpec spec, RespArguments request, ShardMachine? shard)
    {
        if (Monitors.Count > 0 && !spec.Has(CommandFlags.SkipMonitor) && !spec.Has(CommandFlags.Admin)) Tell(client.Traits.Address, spec, request, shard);
    }

    /// <summary>A script is about to be executed: those who watch see it before what it calls.</summary>
    public void ShowScript(CommandCall call)
    {
        if (Monitors.Count > 0 && call is { IsReplay: false, Client: { } client }) Tell(client.Traits.Address, call.Spec, call.Arguments, call.IsOnShard ? call.Shard : null);
    }

    /// <summary>A script is about to call a command.</summary>
    public void ShowCalled(CommandCall call, CommandSpec spec, RespArguments words)
    {
        if (Monitors.Count > 0 && !call.IsReplay && !spec.Has(CommandFlags.SkipMonitor) && !spec.Has(CommandFlags.Admin)) Tell("lua", spec, words, call.IsOnShard ? call.Shard : null);
    }

    /// <summary>A command was refused before it was executed.</summary>
    public void Reject(CommandSpec? spec, string text)
    {
        if (spec is not null) spec.Statistics.Rejected++;
        CountError(Encoding.ASCII.GetBytes(text[..Math.Min(text.Length, 32)]));
    }

    private bool IsCountedWithin(ReadOnlySpan<byte> reply) => codesWithin.Count > 0 && codesWithin.Contains(CodeOf(reply[1..]));

    private static string CodeOf(ReadOnlySpan<byte> text)
    {
        var stop = text.IndexOfAny((byte)' ', (byte)'\r');
        return Encoding.ASCII.GetString(text[..(stop < 0 ? Math.Min(text.Length, 32) : Math.Min(stop, 32))]);
    }

    private void CountError(ReadOnlySpan<byte> text)
    {
        node.Counters.Errors++;
        var code = CodeOf(text);
        if (node.Counters.ErrorCodes.TryGetValue(code, out var count) || node.Counters.ErrorCodes.Count < CodesMax) node.Counters.ErrorCodes[code] = count + 1;
    }

    /// <summary>Shows a command to those who watch: with its entry, when it has one (S18).</summary>
    private void Tell(string from, CommandSpec spec, RespArguments request, ShardMachine? shard)
    {
        var line = new StringBuilder();
        line.Append(System.Globalization.CultureInfo.InvariantCulture, $"{node.WallMicros / 1_000_000}.{node.WallMicros % 1_000_000:000000} [0 {from}]");
        for (var i = 0; i < request.Count; i++) line.Append(' ').Append(Quoted.Show(Redaction.Hides(spec, request, i) ? Redaction.Shown : request[i]));
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
