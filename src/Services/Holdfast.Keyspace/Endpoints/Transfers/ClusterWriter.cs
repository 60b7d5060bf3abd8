using System.Text;

namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>A key as it is to be: a payload of DUMP, or gone.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Payload">The value; null when there shall be none.</param>
/// <param name="Life">When it expires: ms since the Unix epoch, or from now on; 0 for never.</param>
/// <param name="IsDate">Whether <paramref name="Life"/> is a date.</param>
internal readonly record struct KeyImage(byte[] Key, byte[]? Payload, long Life, bool IsDate);

/// <summary>Puts keys into a cluster as they were elsewhere, wherever their slots are led. Repeated until it is known to be done: to put a key twice does no harm.</summary>
internal sealed class ClusterWriter(ClusterLinks links)
{
    private static readonly TimeSpan BeforeNextTry = TimeSpan.FromMilliseconds(50);

    /// <summary>Tries of one batch before the cluster is given up: a minute and more.</summary>
    private const int TriesMax = 1500;

    /// <summary>Puts some keys.</summary>
    /// <exception cref="TransferFailedException">A key was refused, or the cluster does not take it.</exception>
    public async Task PutAsync(IReadOnlyList<KeyImage> images, CancellationToken cancellation)
    {
        var left = images;
        var fault = "";
        for (var tries = 0; left.Count > 0; tries++)
        {
            if (tries == TriesMax) throw new TransferFailedException($"the cluster does not take the key {Encoding.UTF8.GetString(left[0].Key)}: {fault}");
            if (tries > 0)
            {
                await Task.Delay(BeforeNextTry, cancellation).ConfigureAwait(false);
                if (!await TryLookAsync(cancellation).ConfigureAwait(false)) continue;
            }

            var again = new List<KeyImage>();
            foreach (var part in left.GroupBy(image => links.LeaderOf(KeySlot.Of(image.Key))))
                if (await PutAsync(part.Key, [.. part], again, cancellation).ConfigureAwait(false) is { } why) fault = why;
            left = again;
        }
    }

    private async Task<bool> TryLookAsync(CancellationToken cancellation)
    {
        try
        {
            await links.LookAsync(cancellation).ConfigureAwait(false);
            return true;
        }
        catch (TransferFailedException)
        {
            return false;
        }
    }

    /// <summary>Sends a part to its leader; what is to be tried again is added, and why returned.</summary>
    private async Task<string?> PutAsync((string Host, int Port) node, KeyImage[] images, List<KeyImage> again, CancellationToken cancellation)
    {
        string? fault = null;
        var done = 0;
        try
        {
            var link = await links.ToAsync(node, cancellation).ConfigureAwait(false);
            foreach (var image in images) Gather(link, image);
            await link.SendAsync(cancellation).ConfigureAwait(false);
            for (; done < images.Length; done++)
            {
                if (await link.ReadAsync(cancellation).ConfigureAwait(false) is not RespError error) continue;
                if (!error.Is("MOVED ") && !error.Is("TRYAGAIN") && !error.Is("CLUSTERDOWN") && !error.Is("ASK ") && !error.Is("BUSY ")) throw new TransferFailedException($"the key {Encoding.UTF8.GetString(images[done].Key)} is refused: {error.Text}");
                again.Add(images[done]);
                fault = error.Text;
            }
        }
        catch (ConnectionGoneException broken)
        {
            links.Forget(node);
            again.AddRange(images[done..]);
            fault = broken.Message;
        }

        return fault;
    }

    private static void Gather(RespConnection link, in KeyImage image)
    {
        if (image.Payload is not { } payload) link.Gather("DEL"u8.ToArray(), image.Key);
        else if (image.IsDate && image.Life > 0) link.Gather("RESTORE"u8.ToArray(), image.Key, RespConnection.Word(image.Life), payload, "REPLACE"u8.ToArray(), "ABSTTL"u8.ToArray());
        else link.Gather("RESTORE"u8.ToArray(), image.Key, RespConnection.Word(image.Life), payload, "REPLACE"u8.ToArray());
    }
}
