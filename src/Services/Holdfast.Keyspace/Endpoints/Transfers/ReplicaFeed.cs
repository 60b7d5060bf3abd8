using System.Globalization;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>What has changed at a Redis since it was last asked.</summary>
/// <param name="Keys">Keys to be fetched anew.</param>
/// <param name="IsFlushed">All keys went, before these came.</param>
/// <param name="HaveFunctionsChanged">Libraries came or went.</param>
internal sealed record FeedChanges(IReadOnlyCollection<byte[]> Keys, bool IsFlushed, bool HaveFunctionsChanged)
{
    public bool IsAny => Keys.Count > 0 || IsFlushed || HaveFunctionsChanged;
}

/// <summary>
/// A running Redis as its replica hears it (PSYNC): a snapshot, then every command that it executes. What is kept are the names of the keys that changed since they were last fetched, and not the commands: nothing grows beyond
/// the keys that there are, and commands over several slots need no translation.
/// </summary>
internal sealed class ReplicaFeed : IDisposable
{
    private static readonly TimeSpan BetweenAcknowledgements = TimeSpan.FromSeconds(1);
    private static readonly HashSet<string> WithoutKeys = new(StringComparer.OrdinalIgnoreCase) { "ping", "multi", "exec", "publish", "spublish", "replconf", "script" };

    private readonly RespConnection feed;
    private readonly RespConnection questions;
    private readonly CommandTable table = CommandTable.Build();
    private readonly List<int> places = [];
    private readonly Lock gate = new();
    private HashSet<byte[]> dirty = new(ByteKey.Comparer);
    private bool isFlushed;
    private bool haveFunctionsChanged;
    private long offset;
    private int database;

    private ReplicaFeed(RespConnection feed, RespConnection questions) => (this.feed, this.questions) = (feed, questions);

    /// <summary>How far the Redis has been heard, in bytes as it counts them.</summary>
    public long Offset => Interlocked.Read(ref offset);

    /// <summary>Attaches, and copies the snapshot.</summary>
    /// <exception cref="TransferFailedException">It does not take a replica.</exception>
    public static async Task<ReplicaFeed> AttachAsync(Func<Task<RespConnection>> connect, Stream snapshot, CancellationToken cancellation)
    {
        var feed = await connect().ConfigureAwait(false);
        var made = new ReplicaFeed(feed, await connect().ConfigureAwait(false));
        Accept(await feed.AskAsync(cancellation, "PING").ConfigureAwait(false));
        Accept(await feed.AskAsync(cancellation, "REPLCONF", "listening-port", "1").ConfigureAwait(false));

        // Not "capa eof": so the snapshot is announced with its length.
        Accept(await feed.AskAsync(cancellation, "REPLCONF", "capa", "psync2").ConfigureAwait(false));
        feed.Gather("PSYNC"u8.ToArray(), "?"u8.ToArray(), "-1"u8.ToArray());
        await feed.SendAsync(cancellation).ConfigureAwait(false);
        await feed.SkipLineEndsAsync(cancellation).ConfigureAwait(false);
        var words = (await feed.ReadLineAsync(cancellation).ConfigureAwait(false)).Split(' ');
        if (words is not ["+FULLRESYNC", _, var begun]) throw new TransferFailedException("it takes no replica: " + string.Join(' ', words));
        made.offset = long.Parse(begun, CultureInfo.InvariantCulture);
        await feed.SkipLineEndsAsync(cancellation).ConfigureAwait(false);
        var head = await feed.ReadLineAsync(cancellation).ConfigureAwait(false);
        if (!head.StartsWith('$') || !long.TryParse(head.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var length)) throw new TransferFailedException("its snapshot is announced in a way that is not known: " + head);
        await feed.CopyToAsync(snapshot, length, cancellation).ConfigureAwait(false);
        return made;
    }

    /// <summary>Hears until cancelled, or until the connection breaks.</summary>
    public async Task HearAsync(CancellationToken cancellation)
    {
        var (begun, before) = (offset, feed.BytesUsed);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var acknowledging = AcknowledgeAsync(ending.Token);
        try
        {
            while (true)
            {
                if (await feed.ReadAsync(ending.Token).ConfigureAwait(false) is object?[] { Length: > 0 } words) await TakeAsync(Array.ConvertAll(words, static word => (byte[])word!), ending.Token).ConfigureAwait(false);
                Interlocked.Exchange(ref offset, begun + feed.BytesUsed - before);
            }
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await acknowledging.ConfigureAwait(false);
        }
    }

    /// <summary>What has changed since the last call.</summary>
    public FeedChanges Swap()
    {
        lock (gate)
        {
            var changes = new FeedChanges(dirty, isFlushed, haveFunctionsChanged);
            (dirty, isFlushed, haveFunctionsChanged) = (new HashSet<byte[]>(ByteKey.Comparer), false, false);
            return changes;
        }
    }

    public void Dispose()
    {
        feed.Dispose();
        questions.Dispose();
    }

    private static void Accept(object? reply)
    {
        if (reply is RespError error) throw new TransferFailedException("it takes no replica: " + error.Text);
    }

    /// <summary>Says every second how far it was heard, as a replica must. Nobody else writes to this connection.</summary>
    private async Task AcknowledgeAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                feed.Gather("REPLCONF"u8.ToArray(), "ACK"u8.ToArray(), RespConnection.Word(Offset));
                await feed.SendAsync(cancellation).ConfigureAwait(false);
                await Task.Delay(BetweenAcknowledgements, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or ConnectionGoneException)
        {
            // Whoever reads learns it too.
        }
    }

    private async Task TakeAsync(byte[][] words, CancellationToken cancellation)
    {
        var name = Encoding.UTF8.GetString(words[0]);
        if (WithoutKeys.Contains(name)) return;
        switch (name.ToLowerInvariant())
        {
            case "select":
                database = int.Parse(Encoding.ASCII.GetString(words[1]), CultureInfo.InvariantCulture);
                return;
            case "swapdb":
                throw new TransferFailedException("databases were swapped; a Redis Cluster has only one");
            case "function":
                lock (gate) haveFunctionsChanged = true;
                return;
            case "flushall" or "flushdb":
                lock (gate) (dirty, isFlushed) = (new HashSet<byte[]>(ByteKey.Comparer), true);
                return;
        }

        if (database != 0) throw new TransferFailedException($"something was written to database {database}; a Redis Cluster has only 0");
        var keys = KeysOf(words) ?? await AskKeysAsync(words, cancellation).ConfigureAwait(false);
        lock (gate)
            foreach (var key in keys) dirty.Add(key);
    }

    /// <summary>The keys of a command that is known here; null for another.</summary>
    private List<byte[]>? KeysOf(byte[][] words)
    {
        var (arguments, bytes, at) = (new RespArguments(), new byte[words.Sum(static word => word.Length)], 0);
        arguments.Begin(bytes);
        foreach (var word in words)
        {
            word.CopyTo(bytes, at);
            arguments.Add(at, word.Length);
            at += word.Length;
        }

        var spec = table.Find(words[0]);
        if (spec?.Subcommands is { } subcommands) spec = words.Length > 1 ? subcommands.GetValueOrDefault(Encoding.UTF8.GetString(words[1]).ToLowerInvariant()) : null;
        if (spec is null) return null;
        spec.FindKeys(arguments, places);
        return [.. places.Select(place => words[place])];
    }

    /// <summary>Asks the Redis itself, which must know what it has executed.</summary>
    private async Task<IEnumerable<byte[]>> AskKeysAsync(byte[][] words, CancellationToken cancellation) =>
        await questions.AskAsync(cancellation, ["COMMAND"u8.ToArray(), "GETKEYS"u8.ToArray(), .. words]).ConfigureAwait(false) is object?[] keys ? keys.Select(static key => (byte[])key!) : [];
}
