using System.Text;
using Holdfast.Keyspace.Rdb;

namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>Writes all keys and functions of a cluster into an RDB file, slot by slot, while it is used: each key as it is when it is read. (A state of one moment is in a backup.)</summary>
public static class KeyspaceExport
{
    private const int KeysAtOnce = 128;

    /// <summary>Exports.</summary>
    /// <param name="endpoints">Nodes of the cluster.</param>
    /// <param name="target">The file.</param>
    /// <param name="version">Of the file: 10 (Redis 7.0) or 12 (Redis 7.4).</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>How many keys.</returns>
    /// <exception cref="TransferFailedException">The cluster does not answer, or its slots moved meanwhile.</exception>
    /// <exception cref="InvalidDataException">A file of this version cannot hold a value.</exception>
    public static async Task<long> RunAsync(IReadOnlyList<(string Host, int Port)> endpoints, Stream target, int version, CancellationToken cancellation)
    {
        using var links = new ClusterLinks(endpoints);
        await links.LookAsync(cancellation).ConfigureAwait(false);
        var writer = new RdbFileWriter(target.Write, version, (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerSecond);
        var first = await links.ToAsync(links.LeaderOf(0), cancellation).ConfigureAwait(false);
        writer.AddLibraries(Text(await first.AskAsync(cancellation, "FUNCTION", "DUMP").ConfigureAwait(false)));
        var keys = 0L;
        try
        {
            foreach (var node in links.Leaders)
            {
                var link = await links.ToAsync(node, cancellation).ConfigureAwait(false);
                foreach (var (slot, count) in await CountAsync(links, node, link, cancellation).ConfigureAwait(false))
                {
                    // A few more than were counted: keys come while we walk.
                    var names = (object?[])Value(await link.AskAsync(cancellation, "CLUSTER", "GETKEYSINSLOT", $"{slot}", $"{count + 1000}").ConfigureAwait(false))!;
                    foreach (var part in names.Chunk(KeysAtOnce)) keys += await WriteAsync(link, writer, part, cancellation).ConfigureAwait(false);
                }
            }

            var before = Enumerable.Range(0, KeySlot.Count).Select(links.LeaderOf).ToArray();
            await links.LookAsync(cancellation).ConfigureAwait(false);
            if (!before.SequenceEqual(Enumerable.Range(0, KeySlot.Count).Select(links.LeaderOf))) throw new TransferFailedException("slots moved while they were read; export again");
        }
        catch (ConnectionGoneException gone)
        {
            throw new TransferFailedException($"a node went away while it was read ({gone.Message}); export again");
        }

        writer.Close();
        target.Flush();
        return keys;
    }

    /// <summary>The slots of a node that have keys.</summary>
    private static async Task<List<(int Slot, long Count)>> CountAsync(ClusterLinks links, (string Host, int Port) node, RespConnection link, CancellationToken cancellation)
    {
        var slots = Enumerable.Range(0, KeySlot.Count).Where(slot => links.LeaderOf(slot) == node).ToArray();
        foreach (var slot in slots) link.Gather("CLUSTER"u8.ToArray(), "COUNTKEYSINSLOT"u8.ToArray(), RespConnection.Word(slot));
        await link.SendAsync(cancellation).ConfigureAwait(false);
        var counts = new List<(int, long)>();
        foreach (var slot in slots)
            if (Value(await link.ReadAsync(cancellation).ConfigureAwait(false)) is long count and > 0) counts.Add((slot, count));
        return counts;
    }

    private static async Task<long> WriteAsync(RespConnection link, RdbFileWriter writer, object?[] names, CancellationToken cancellation)
    {
        foreach (var name in names)
        {
            link.Gather("DUMP"u8.ToArray(), (byte[])name!);
            link.Gather("PEXPIRETIME"u8.ToArray(), (byte[])name!);
        }

        await link.SendAsync(cancellation).ConfigureAwait(false);
        var written = 0L;
        foreach (var name in names)
        {
            var payload = Value(await link.ReadAsync(cancellation).ConfigureAwait(false));
            var expiry = (long)Value(await link.ReadAsync(cancellation).ConfigureAwait(false))!;
            if (payload is not byte[] bytes || expiry == -2) continue; // It has gone meanwhile.
            writer.Add((byte[])name!, bytes, expiry);
            written++;
        }

        return written;
    }

    private static byte[] Text(object? reply) => (byte[])Value(reply)!;

    private static object? Value(object? reply) => reply is RespError error ? throw new TransferFailedException(error.Text) : reply;
}
