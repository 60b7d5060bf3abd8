using System.Diagnostics;
using System.Globalization;
using Holdfast.Primitives.Metrics;

namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>A load of one kind.</summary>
/// <param name="Test">One of <see cref="KeyspaceLoad.Tests"/>.</param>
/// <param name="Clients">Connections, spread over the nodes that lead slots.</param>
/// <param name="Batch">Commands that a client sends before it reads their replies.</param>
/// <param name="ValueBytes">Bytes of a value.</param>
/// <param name="Keys">How many keys are used, in turn by chance.</param>
/// <param name="Time">How long.</param>
public sealed record KeyspaceLoadPlan(string Test, int Clients, int Batch, int ValueBytes, int Keys, TimeSpan Time);

/// <summary>What a load came to.</summary>
/// <param name="Test">Its kind.</param>
/// <param name="Operations">Commands that were answered, errors not counted.</param>
/// <param name="Took">How long it really took.</param>
/// <param name="Errors">Commands that were refused, or whose connection broke.</param>
/// <param name="FirstError">What the first of them was told; empty without any.</param>
/// <param name="Times">Seconds from the sending of a batch until its last reply was read.</param>
public sealed record KeyspaceLoadResult(string Test, long Operations, TimeSpan Took, long Errors, string FirstError, Histogram Times);

/// <summary>
/// Closed-loop clients of a cluster, each at a node that leads slots and with keys of these slots; they follow slots and leaders that move. Its keys begin with <see cref="Prefix"/>, so that nothing else is touched, and
/// <see cref="ForgetAsync"/> deletes them.
/// </summary>
/// <param name="endpoints">Nodes of the cluster.</param>
public sealed class KeyspaceLoad(IReadOnlyList<(string Host, int Port)> endpoints)
{
    /// <summary>What the keys of a load begin with.</summary>
    public const string Prefix = "holdfast-bench:";

    private const int KeysAtOnce = 512;
    private static readonly TimeSpan BeforeNextLook = TimeSpan.FromMilliseconds(50);

    /// <summary>Upper bounds from ten microseconds to a minute, each a twentieth above the one before.</summary>
    private static readonly double[] Bounds = [.. Enumerable.Range(0, 320).Select(static step => 1e-5 * Math.Pow(1.05, step))];

    private static readonly Dictionary<string, (string Kind, Func<byte[], byte[], byte[][]> Words)> Known = new(StringComparer.Ordinal)
    {
        ["set"] = ("string", static (key, value) => ["SET"u8.ToArray(), key, value]),
        ["get"] = ("string", static (key, _) => ["GET"u8.ToArray(), key]),
        ["incr"] = ("counter", static (key, _) => ["INCR"u8.ToArray(), key]),
        ["lpush"] = ("list", static (key, value) => ["LPUSH"u8.ToArray(), key, value]),
        ["lpop"] = ("list", static (key, _) => ["LPOP"u8.ToArray(), key]),
        ["sadd"] = ("set", static (key, value) => ["SADD"u8.ToArray(), key, value]),
        ["hset"] = ("hash", static (key, value) => ["HSET"u8.ToArray(), key, "field"u8.ToArray(), value]),
        ["zadd"] = ("zset", static (key, value) => ["ZADD"u8.ToArray(), key, "1"u8.ToArray(), value]),
    };

    private volatile Layout layout = new([]);
    private volatile bool isStale;

    /// <summary>The kinds of load there are.</summary>
    public static IReadOnlyList<string> Tests => [.. Known.Keys];

    /// <summary>Puts a load on the cluster.</summary>
    /// <exception cref="TransferFailedException">The cluster does not answer.</exception>
    public async Task<KeyspaceLoadResult> RunAsync(KeyspaceLoadPlan plan, CancellationToken cancellation)
    {
        var (kind, words) = Known[plan.Test];
        using var links = new ClusterLinks(endpoints);
        await LookAsync(links, kind, plan.Keys, cancellation).ConfigureAwait(false);
        var times = new Histogram(Bounds);
        var value = new byte[plan.ValueBytes];
        new Random(plan.ValueBytes).NextBytes(value);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var begun = Stopwatch.GetTimestamp();
        end.CancelAfter(plan.Time);
        var clients = Enumerable.Range(0, plan.Clients).Select(number => new Client(this, number, plan, words, value, times)).ToArray();
        var runs = clients.Select(client => Task.Run(() => client.RunAsync(end.Token), CancellationToken.None)).ToArray();
        await FollowAsync(links, kind, plan.Keys, end.Token).ConfigureAwait(false);
        await Task.WhenAll(runs).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        return new KeyspaceLoadResult(plan.Test, clients.Sum(static each => each.Operations), Stopwatch.GetElapsedTime(begun), clients.Sum(static each => each.Errors), clients.Select(static each => each.FirstError).FirstOrDefault(static each => each.Length > 0) ?? "", times);
    }

    /// <summary>Deletes the keys that loads have used.</summary>
    /// <exception cref="TransferFailedException">The cluster does not answer.</exception>
    public async Task ForgetAsync(int keys, CancellationToken cancellation)
    {
        using var links = new ClusterLinks(endpoints);
        var writer = new ClusterWriter(links);
        await links.LookAsync(cancellation).ConfigureAwait(false);
        foreach (var kind in Known.Values.Select(static each => each.Kind).Distinct())
            foreach (var part in Enumerable.Range(0, keys).Chunk(KeysAtOnce))
                await writer.PutAsync([.. part.Select(number => new KeyImage(KeyOf(kind, number), null, 0, IsDate: false))], cancellation).ConfigureAwait(false);
    }

    private static byte[] KeyOf(string kind, int number) => RespConnection.Word(string.Create(CultureInfo.InvariantCulture, $"{Prefix}{kind}:{number}"));

    private async Task LookAsync(ClusterLinks links, string kind, int keys, CancellationToken cancellation)
    {
        isStale = false;
        await links.LookAsync(cancellation).ConfigureAwait(false);
        layout = new Layout([.. Enumerable.Range(0, keys).Select(number => KeyOf(kind, number)).GroupBy(key => links.LeaderOf(KeySlot.Of(key))).Select(static led => (led.Key, led.ToArray()))]);
    }

    /// <summary>Looks anew, whenever a client was told that slots are elsewhere, until the end.</summary>
    private async Task FollowAsync(ClusterLinks links, string kind, int keys, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(BeforeNextLook, end).ConfigureAwait(false);
                if (isStale) await LookAsync(links, kind, keys, end).ConfigureAwait(false);
            }
            catch (Exception fault) when (fault is TransferFailedException or OperationCanceledException)
            {
                isStale = true; // Asked again, unless this is the end.
            }
        }
    }

    /// <summary>Who leads which of the keys.</summary>
    private sealed record Layout(((string Host, int Port) Node, byte[][] Keys)[] Led);

    private sealed class Client(KeyspaceLoad owner, int number, KeyspaceLoadPlan plan, Func<byte[], byte[], byte[][]> words, byte[] value, Histogram times)
    {
        private readonly Random dice = new(number + 1);

        public long Operations { get; private set; }

        public long Errors { get; private set; }

        public string FirstError { get; private set; } = "";

        public async Task RunAsync(CancellationToken end)
        {
            while (!end.IsCancellationRequested)
            {
                try
                {
                    if (!await TryRunOnAsync(owner.layout, end).ConfigureAwait(false)) await Task.Delay(BeforeNextLook, end).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }

        /// <summary>Until slots are led differently, or the end; false when the connection broke.</summary>
        private async Task<bool> TryRunOnAsync(Layout layout, CancellationToken end)
        {
            try
            {
                await RunOnAsync(layout, end).ConfigureAwait(false);
                return true;
            }
            catch (ConnectionGoneException gone)
            {
                Fail(gone.Message);
                return false;
            }
        }

        private async Task RunOnAsync(Layout layout, CancellationToken end)
        {
            var (node, keys) = layout.Led[number % layout.Led.Length];
            using var link = await RespConnection.OpenAsync(node.Host, node.Port, end).ConfigureAwait(false);
            while (!end.IsCancellationRequested && ReferenceEquals(owner.layout, layout))
            {
                for (var i = 0; i < plan.Batch; i++) link.Gather(words(keys[dice.Next(keys.Length)], value));
                var begun = Stopwatch.GetTimestamp();
                await link.SendAsync(end).ConfigureAwait(false);
                for (var i = 0; i < plan.Batch; i++)
                {
                    if (await link.ReadAsync(end).ConfigureAwait(false) is RespError error) Fail(error.Text);
                    else Operations++;
                }

                times.Observe(Stopwatch.GetElapsedTime(begun));
                if (owner.isStale) await Task.Delay(BeforeNextLook, end).ConfigureAwait(false);
            }
        }

        private void Fail(string why)
        {
            Errors++;
            owner.isStale = true;
            if (FirstError.Length == 0) FirstError = why;
        }
    }
}
