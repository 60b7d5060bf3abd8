using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Holdfast.Bench.Redis;

/// <summary>Kills a shard's leader with -9 and reports how long it took until a write that was begun afterwards, to a slot that it led, was acknowledged by another node.</summary>
internal static class RespFailover
{
    /// <summary>A new write begins this often on each of the others, so the answer is as exact, whatever a server does with writes whose leader is gone.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Measures once; the first endpoint is the victim.</summary>
    public static int Run(string[] endpoints, int victim)
    {
        var write = RespLink.Command("SET", SlotTags.LedBy(endpoints[0], 1)[0], "y");
        using var process = Process.GetProcessById(victim);
        var links = endpoints.Skip(1).Select(static endpoint => new RespLink(endpoint)).ToArray();
        using var acknowledged = new ManualResetEventSlim();
        var begun = Stopwatch.StartNew();
        process.Kill();
        foreach (var link in links) new Thread(() => Listen(link, acknowledged)) { IsBackground = true }.Start();
        while (!acknowledged.Wait(Pace) && begun.Elapsed < Patience)
            foreach (var link in links) Write(link, write);
        var took = begun.Elapsed;
        foreach (var link in links) link.Dispose();
        Console.WriteLine(acknowledged.IsSet
            ? string.Create(CultureInfo.InvariantCulture, $"failover {took.TotalMilliseconds:F0} ms")
            : $"failover none within {Patience.TotalSeconds} s");
        return acknowledged.IsSet ? 0 : 1;
    }

    private static void Write(RespLink link, byte[] write)
    {
        try
        {
            link.Send(write);
        }
        catch (SocketException)
        {
            // A node that hangs up on writes with an unknown fate; the others go on.
        }
    }

    private static void Listen(RespLink link, ManualResetEventSlim acknowledged)
    {
        try
        {
            while (!link.ReadLine().SequenceEqual("+OK"u8))
            {
            }

            acknowledged.Set();
        }
        catch (SocketException)
        {
        }
        catch (ObjectDisposedException)
        {
        }
    }
}
