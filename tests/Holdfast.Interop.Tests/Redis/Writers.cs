using System.Collections.Concurrent;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Four clients, each with its own keys in all shards, that write numbers which rise, and remember what was acknowledged.</summary>
internal sealed class Writers
{
    private const int Count = 4;
    private const int Keys = 40;
    private static readonly TimeSpan Patience = Patient.Most;

    /// <summary>Where nodes are stopped in the middle: behind so much nobody waits for what may never come.</summary>
    private static readonly TimeSpan ReplyMax = TimeSpan.FromSeconds(3);

    private readonly int[] ports;
    private readonly TimeSpan replyMax;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<string, (int Acknowledged, int Tried)> keys = new();
    private readonly int[] acknowledged = new int[Count];
    private readonly Task[] running;
    private int unknown;

    /// <summary>Begins to write.</summary>
    /// <param name="ports">Where the nodes are.</param>
    /// <param name="answersAlways">Whether no node dies or is stopped: then a reply that takes its time is no loss.</param>
    public Writers(int[] ports, bool answersAlways = false)
    {
        replyMax = answersAlways ? Patience : ReplyMax;
        this.ports = ports;
        running = [.. Enumerable.Range(0, Count).Select(writer => Task.Run(() => WriteAsync(writer)))];
    }

    /// <summary>Writes of which nobody knows whether they were executed.</summary>
    public int Unknown => unknown;

    public async Task UntilAsync(int writes, bool everyWriter = false)
    {
        for (var begun = System.Diagnostics.Stopwatch.StartNew(); everyWriter ? acknowledged.Min() * Count < writes : acknowledged.Sum() < writes; await Task.Delay(20))
            Assert.True(begun.Elapsed < Patience, $"only {string.Join(", ", acknowledged)} writes were acknowledged");
    }

    public async Task StopAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(running);
    }

    /// <summary>A key holds what was acknowledged last, or something that was tried after it.</summary>
    public async Task CheckAsync()
    {
        using var client = new SlotClient(ports, Patience);
        foreach (var (key, (last, tried)) in keys)
        {
            string? reply = null;
            await Patient.UntilAsync(async () => (reply = await client.AskAsync(Patience, "GET", key)) is not null, () => $"{key} cannot be read");
            Assert.True(reply is not null && reply.StartsWith('$'), $"{key} cannot be read: {reply}");
            var found = reply == "$-1" ? 0 : int.Parse(reply.AsSpan(reply.IndexOf(' ') + 1), System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(found >= last && found <= tried, $"{key} holds {found}; {last} was acknowledged and {tried} tried");
        }
    }

    private async Task WriteAsync(int writer)
    {
        using var client = new SlotClient(ports, replyMax);
        for (var number = 1; !stopping.IsCancellationRequested; number++)
        {
            var key = $"w{writer}:{number % Keys}";
            var before = keys.GetValueOrDefault(key);
            keys[key] = (before.Acknowledged, number);
            var reply = await client.AskAsync(TimeSpan.FromSeconds(5), "SET", key, $"{number}");
            if (reply is null) Interlocked.Increment(ref unknown);
            if (reply != "+OK") continue;
            keys[key] = (number, number);
            Interlocked.Increment(ref acknowledged[writer]);
        }
    }
}
