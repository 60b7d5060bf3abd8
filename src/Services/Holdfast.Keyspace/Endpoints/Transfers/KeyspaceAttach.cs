using System.Globalization;
using System.Text;
using Holdfast.Keyspace.Rdb;

namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>How far an import from a running Redis has come.</summary>
/// <param name="Keys">Keys of the snapshot that were put, then those that were fetched again.</param>
/// <param name="Waiting">Keys that have changed and are not fetched yet.</param>
/// <param name="Offset">How far the Redis was heard, in bytes as it counts them.</param>
public readonly record struct AttachProgress(long Keys, long Waiting, long Offset);

/// <summary>
/// Follows a running Redis or Valkey as its replica and puts all that it has into a cluster; then whatever changes is fetched anew, until it is time to cut over: writers stop at the source, the rest is fetched, and the cluster
/// has exactly what the source has.
/// </summary>
/// <param name="host">The source: one server, or one master of a cluster (its slots only).</param>
/// <param name="port">Its port.</param>
/// <param name="user">Who signs in there; null for its default user.</param>
/// <param name="password">Its password; null for none.</param>
/// <param name="endpoints">Nodes of the cluster that takes it.</param>
public sealed class KeyspaceAttach(string host, int port, string? user, string? password, IReadOnlyList<(string Host, int Port)> endpoints)
{
    private const int KeysAtOnce = 128;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(20);

    private long keys;

    /// <summary>Imports, and follows until it is told to cut over.</summary>
    /// <param name="snapshot">Where the source's snapshot is kept meanwhile: can be read back, and is as large as its RDB file.</param>
    /// <param name="cutOver">Says that the source's writers have stopped; when that is said already, it ends as soon as it has caught up once.</param>
    /// <param name="tell">Hears how far it has come.</param>
    /// <param name="cancellation">Gives up; what was put stays.</param>
    /// <exception cref="TransferFailedException">The source or the cluster refuses, or goes away.</exception>
    /// <exception cref="InvalidDataException">The snapshot holds what no Redis Cluster can.</exception>
    public async Task<AttachProgress> RunAsync(Stream snapshot, CancellationToken cutOver, Action<AttachProgress> tell, CancellationToken cancellation)
    {
        using var links = new ClusterLinks(endpoints);
        await links.LookAsync(cancellation).ConfigureAwait(false);
        var writer = new ClusterWriter(links);
        using var feed = await ReplicaFeed.AttachAsync(() => ConnectAsync(cancellation), snapshot, cancellation).ConfigureAwait(false);
        using var source = await ConnectAsync(cancellation).ConfigureAwait(false);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var hearing = feed.HearAsync(ending.Token);
        try
        {
            snapshot.Position = 0;
            keys = await KeyspaceImport.RunAsync(snapshot, links, writer, cancellation).ConfigureAwait(false);
            tell(new AttachProgress(keys, 0, feed.Offset));
            while (true)
            {
                if (hearing.IsCompleted) await hearing.ConfigureAwait(false);

                // Asked before looking: what is there then, and was heard, is all that there was.
                var (isTime, end) = (cutOver.IsCancellationRequested, await OffsetAsync(source, cancellation).ConfigureAwait(false));
                var heard = feed.Offset;
                var changes = feed.Swap();
                await TakeAsync(changes, source, links, writer, () => tell(new AttachProgress(keys, changes.Keys.Count, feed.Offset)), cancellation).ConfigureAwait(false);
                if (changes.IsAny) continue;
                if (isTime && heard >= end) return new AttachProgress(keys, 0, heard);
                await Task.Delay(BetweenLooks, cancellation).ConfigureAwait(false);
            }
        }
        catch (ConnectionGoneException gone)
        {
            throw new TransferFailedException($"the source went away ({gone.Message}); import again");
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await hearing.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    private async Task<RespConnection> ConnectAsync(CancellationToken cancellation)
    {
        try
        {
            var link = await RespConnection.OpenAsync(host, port, cancellation).ConfigureAwait(false);
            if (password is null) return link;
            var reply = await link.AskAsync(cancellation, user is null ? ["AUTH", password] : ["AUTH", user, password]).ConfigureAwait(false);
            return reply is RespError error ? throw new TransferFailedException("the source does not let us in: " + error.Text) : link;
        }
        catch (ConnectionGoneException gone)
        {
            throw new TransferFailedException(gone.Message);
        }
    }

    private async Task TakeAsync(FeedChanges changes, RespConnection source, ClusterLinks links, ClusterWriter writer, Action tell, CancellationToken cancellation)
    {
        if (changes.IsFlushed) await AskLeadersAsync(links, cancellation, "FLUSHALL"u8.ToArray()).ConfigureAwait(false);
        if (changes.HaveFunctionsChanged)
        {
            var payload = (byte[])Value(await source.AskAsync(cancellation, "FUNCTION", "DUMP").ConfigureAwait(false))!;
            var leader = await links.ToAsync(links.LeaderOf(0), cancellation).ConfigureAwait(false);
            Value(await leader.AskAsync(cancellation, "FUNCTION"u8.ToArray(), "RESTORE"u8.ToArray(), payload, "FLUSH"u8.ToArray()).ConfigureAwait(false));
        }

        foreach (var part in changes.Keys.Chunk(KeysAtOnce))
        {
            await writer.PutAsync(await FetchAsync(source, part, cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
            keys += part.Length;
            tell();
        }
    }

    /// <summary>Keys as the source has them now.</summary>
    private static async Task<List<KeyImage>> FetchAsync(RespConnection source, byte[][] names, CancellationToken cancellation)
    {
        foreach (var name in names)
        {
            source.Gather("DUMP"u8.ToArray(), name);
            source.Gather("PTTL"u8.ToArray(), name);
        }

        await source.SendAsync(cancellation).ConfigureAwait(false);
        var images = new List<KeyImage>(names.Length);
        foreach (var name in names)
        {
            var payload = (byte[]?)Value(await source.ReadAsync(cancellation).ConfigureAwait(false));
            var life = (long)Value(await source.ReadAsync(cancellation).ConfigureAwait(false))!;
            images.Add(payload is null || life == -2 ? new KeyImage(name, null, 0, false) : new KeyImage(name, RdbPayload.Renew(payload), life < 0 ? 0 : Math.Max(1, life), false));
        }

        return images;
    }

    private static async Task AskLeadersAsync(ClusterLinks links, CancellationToken cancellation, params byte[][] words)
    {
        foreach (var node in links.Leaders) Value(await (await links.ToAsync(node, cancellation).ConfigureAwait(false)).AskAsync(cancellation, words).ConfigureAwait(false));
    }

    /// <summary>How far the source has come by its own count.</summary>
    private static async Task<long> OffsetAsync(RespConnection source, CancellationToken cancellation)
    {
        const string Field = "master_repl_offset:";
        var text = Encoding.UTF8.GetString((byte[])Value(await source.AskAsync(cancellation, "INFO", "replication").ConfigureAwait(false))!);
        var at = text.IndexOf(Field, StringComparison.Ordinal) + Field.Length;
        return long.Parse(text.AsSpan(at, text.IndexOf('\r', at) - at), CultureInfo.InvariantCulture);
    }

    private static object? Value(object? reply) => reply is RespError error ? throw new TransferFailedException(error.Text) : reply;
}
