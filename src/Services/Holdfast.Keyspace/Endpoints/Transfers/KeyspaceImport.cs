using System.Text;
using Holdfast.Keyspace.Rdb;

namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>Puts what an RDB file holds into a cluster: its keys in the place of those of the same name, and its libraries of functions.</summary>
public static class KeyspaceImport
{
    private const int KeysAtOnce = 128;
    private const long BytesAtOnce = 4 * 1024 * 1024;

    /// <summary>Imports a file.</summary>
    /// <param name="source">The file.</param>
    /// <param name="endpoints">Nodes of the cluster.</param>
    /// <param name="cancellation">Gives up; what was put stays.</param>
    /// <returns>How many keys.</returns>
    /// <exception cref="TransferFailedException">The cluster refuses a key, or does not answer.</exception>
    /// <exception cref="InvalidDataException">The file is none, is damaged, or holds what no Redis Cluster can.</exception>
    public static async Task<long> RunAsync(Stream source, IReadOnlyList<(string Host, int Port)> endpoints, CancellationToken cancellation)
    {
        using var links = new ClusterLinks(endpoints);
        await links.LookAsync(cancellation).ConfigureAwait(false);
        return await RunAsync(source, links, new ClusterWriter(links), cancellation).ConfigureAwait(false);
    }

    /// <summary>As the public one, over connections that are there.</summary>
    internal static async Task<long> RunAsync(Stream source, ClusterLinks links, ClusterWriter writer, CancellationToken cancellation)
    {
        var (reader, batch, bytes, keys) = (new RdbFileReader(source), new List<KeyImage>(), 0L, 0L);
        while (reader.Read() is { } record)
        {
            if (record is RdbRecord.Library library)
            {
                await LoadAsync(links, library.Code, cancellation).ConfigureAwait(false);
                continue;
            }

            var key = (RdbRecord.Key)record;
            if (key.Database != 0) throw new InvalidDataException($"the key {Encoding.UTF8.GetString(key.Name)} is in database {key.Database}; a Redis Cluster has only 0");
            batch.Add(new KeyImage(key.Name, key.Payload, Math.Max(0, key.Expiry), IsDate: true));
            bytes += key.Payload.Length;
            keys++;
            if (batch.Count < KeysAtOnce && bytes < BytesAtOnce) continue;
            await writer.PutAsync(batch, cancellation).ConfigureAwait(false);
            (batch, bytes) = ([], 0);
        }

        await writer.PutAsync(batch, cancellation).ConfigureAwait(false);
        return keys;
    }

    private static async Task LoadAsync(ClusterLinks links, byte[] code, CancellationToken cancellation)
    {
        var link = await links.ToAsync(links.LeaderOf(0), cancellation).ConfigureAwait(false);
        if (await link.AskAsync(cancellation, "FUNCTION"u8.ToArray(), "LOAD"u8.ToArray(), "REPLACE"u8.ToArray(), code).ConfigureAwait(false) is RespError error) throw new TransferFailedException("a library of functions is refused: " + error.Text);
    }
}
