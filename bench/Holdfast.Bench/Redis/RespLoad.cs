using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Holdfast.Bench.Redis;

/// <summary>
/// Closed-loop clients that SET in batches, and may WAIT for a replica behind each batch, as a careful user of Redis does; the same client for every server. A connection and a thread for each client, spread
/// over the endpoints, each with keys of slots that its endpoint leads. Prints one row; an operation is a SET, a latency a batch's. Nothing is allocated while it counts: a collection would stop all clients, and count as the server's.
/// </summary>
internal static class RespLoad
{
    private const int TagsPerClient = 16;
    private const int KeysPerTag = 6000;
    private const int KeyDigits = 4;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    /// <param name="plan">The case names the row.</param>
    /// <param name="batch">SETs that are sent together.</param>
    /// <param name="waits">Whether WAIT 1 0 ends each batch.</param>
    public static int Run(LoadPlan plan, int batch, bool waits)
    {
        var tags = plan.Endpoints.Select(static endpoint => SlotTags.LedBy(endpoint, TagsPerClient)).ToArray();
        var clock = new LoadClock();
        var clients = Enumerable.Range(0, plan.Clients).Select(client => new Client(plan.Endpoints[client % tags.Length], tags[client % tags.Length], client, plan.ValueBytes, batch, waits, clock)).ToArray();
        var threads = clients.Select(static client => new Thread(client.Run, 256 * 1024) { IsBackground = true }).ToList();
        threads.ForEach(static thread => thread.Start());
        Thread.Sleep(WarmUp);
        var meter = new CostMeter(plan.Servers);
        clock.Count();
        Thread.Sleep(TimeSpan.FromSeconds(plan.Seconds));
        clock.End();
        var cost = meter.Read();
        threads.ForEach(static thread => thread.Join());
        var latencies = clients.SelectMany(static client => client.Latencies).Order().ToArray();
        int At(double part) => latencies.Length == 0 ? 0 : latencies[(int)((latencies.Length - 1) * part)];
        Console.WriteLine(new LoadRow
        {
            Case = plan.Case,
            Clients = plan.Clients,
            Operations = (long)latencies.Length * batch,
            Errors = clients.Sum(static client => client.Errors),
            MedianMicros = At(0.5),
            WorstOfHundredMicros = At(0.99),
            WorstOfTenThousandMicros = At(0.9999),
            WorstMicros = At(1),
            Servers = cost.Servers,
            Client = cost.Own,
            Took = cost.Took,
            OthersCores = cost.OthersCores,
        });
        return 0;
    }

    private sealed class Client(string endpoint, string[] tags, int number, int valueBytes, int batch, bool waits, LoadClock clock)
    {
        private readonly Random dice = new(number);
        private readonly byte[][] heads = [.. tags.Select(static tag => Encoding.ASCII.GetBytes(FormattableString.Invariant($"*3\r\n$3\r\nSET\r\n${tag.Length + KeyDigits}\r\n{tag}")))];
        private readonly byte[] tail = Encoding.ASCII.GetBytes(FormattableString.Invariant($"\r\n${valueBytes}\r\n{new string('v', valueBytes)}\r\n"));
        private readonly byte[] wait = waits ? RespLink.Command("WAIT", "1", "0") : [];
        private byte[] commands = [];

        public List<int> Latencies { get; } = new(1 << 18);

        public int Errors { get; private set; }

        public void Run()
        {
            try
            {
                using var link = new RespLink(endpoint);
                while (!clock.IsOver) Round(link);
            }
            catch (SocketException)
            {
                Errors++;
            }
        }

        private void Round(RespLink link)
        {
            var length = Write();
            var begun = Stopwatch.GetTimestamp();
            link.Send(commands.AsSpan(0, length));
            for (var i = 0; i < batch; i++)
                if (!link.ReadLine().SequenceEqual("+OK"u8)) Errors++;
            if (waits && link.ReadLine() is not [(byte)':', not (byte)'0', ..]) Errors++;
            if (clock.IsCounting) Latencies.Add((int)Stopwatch.GetElapsedTime(begun).TotalMicroseconds);
        }

        private int Write()
        {
            if (commands.Length == 0) commands = new byte[(batch * (heads.Max(static head => head.Length) + KeyDigits + tail.Length)) + wait.Length];
            var rest = commands.AsSpan();
            for (var i = 0; i < batch; i++)
            {
                Put(heads[dice.Next(heads.Length)], ref rest);
                dice.Next(KeysPerTag).TryFormat(rest, out var digits, "D4", CultureInfo.InvariantCulture);
                rest = rest[digits..];
                Put(tail, ref rest);
            }

            Put(wait, ref rest);
            return commands.Length - rest.Length;
        }

        private static void Put(byte[] bytes, ref Span<byte> rest)
        {
            bytes.CopyTo(rest);
            rest = rest[bytes.Length..];
        }
    }
}
