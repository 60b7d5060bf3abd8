using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>What of a node's archive is copied off site, and where.</summary>
public sealed record OffSiteOptions
{
    /// <summary>The node's archive, whose folder <c>CLUSTER/NODE</c> has the same name there.</summary>
    public required NodeArchive Archive { get; init; }

    /// <summary>Where copies go.</summary>
    public required S3Address Address { get; init; }

    /// <summary>In whose name.</summary>
    public required S3Credentials Credentials { get; init; }

    /// <summary>How long after a round the next one begins: a loss of the site loses what was acknowledged within about so long. Default one minute; what is appended to a segment of the log since is sent with all that it holds (32 MiB at most).</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>From where on, and how, a file is sent in parts.</summary>
    public S3Parts Parts { get; init; } = S3Parts.Default;

    /// <summary>Told what an operator should look at, a sentence; null: it is over.</summary>
    public Action<string?> Warn { get; init; } = _ => { };
}

/// <summary>
/// Keeps a copy of a node's archive in a bucket, as it is: encrypted where the archive is. One task. A store that cannot be reached harms nobody: it is said, and tried again at the next round.
/// </summary>
public sealed class OffSiteCopy : IAsyncDisposable
{
    private static readonly Mark Vanished = new("cluster: a file of an archive was forgotten while it was to be sent off site", elsewhere: "NodeArchiveTests: nobody archives a simulated cluster");

    private readonly OffSiteOptions options;
    private readonly S3Bucket bucket;
    private readonly CancellationTokenSource stopping = new();
    private Dictionary<string, long>? there;
    private Task running = Task.CompletedTask;
    private string? fault;
    private long coveredMicros;

    private OffSiteCopy(OffSiteOptions options)
    {
        this.options = options;
        bucket = new S3Bucket(options.Address, options.Credentials, options.Parts);
    }

    /// <summary>Everything acknowledged before this moment is off site too, in microseconds since the Unix epoch; 0 before the first round.</summary>
    public long CoveredMicros => Volatile.Read(ref coveredMicros);

    /// <summary>Begins to copy.</summary>
    public static OffSiteCopy Start(OffSiteOptions options)
    {
        var copy = new OffSiteCopy(options);
        copy.running = Task.Run(copy.RunAsync);
        return copy;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        bucket.Dispose();
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await TryRoundAsync().ConfigureAwait(false);
                await Task.Delay(options.Every, stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The node stops; the next start looks at what is there and goes on.
        }
    }

    private async Task TryRoundAsync()
    {
        try
        {
            var covered = options.Archive.Status.CoveredMicros;
            if (covered == 0) return; // Nothing that a restore could use.
            await RoundAsync().ConfigureAwait(false);
            Volatile.Write(ref coveredMicros, covered);
            if (fault is not null) options.Warn(null);
            fault = null;
        }
        catch (Exception forgotten) when (forgotten is FileNotFoundException or DirectoryNotFoundException)
        {
            // The archive forgot something meanwhile: the next round looks again.
            Vanished.Hit();
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            // What is there is not known any more: it is asked for again.
            there = null;
            if (fault != failed.Message) options.Warn($"the copy of the backup in {options.Address} stands still: {failed.Message} It is tried again every {options.Every.TotalSeconds:F0} s.");
            fault = failed.Message;
        }
    }

    private async Task RoundAsync()
    {
        var folder = options.Archive.Status.Folder;
        var name = $"{Path.GetFileName(Path.GetDirectoryName(folder))}/{Path.GetFileName(folder)}/";
        var here = Files(folder);
        var isAnew = there is null;
        there ??= await AskAsync(folder, name, here).ConfigureAwait(false);
        var plan = ShippingPlan.Of(here, there);
        if (isAnew) await bucket.ForgetUnfinishedAsync(name, upload => plan.Puts.Any(file => name + file.Name == upload && options.Parts.CountOf(file.Bytes) > 1), stopping.Token).ConfigureAwait(false);
        foreach (var file in plan.Puts)
        {
            await bucket.PutAsync(name + file.Name, Path.Combine(folder, file.Name), file.Bytes, stopping.Token).ConfigureAwait(false);
            there[file.Name] = file.Bytes;
        }

        foreach (var gone in plan.Deletes)
        {
            await bucket.DeleteAsync(name + gone, stopping.Token).ConfigureAwait(false);
            there.Remove(gone);
        }
    }

    /// <summary>What is in the bucket; an object whose content is another than the file's of the same size counts as missing (an archive that was begun anew).</summary>
    private async Task<Dictionary<string, long>> AskAsync(string folder, string name, IReadOnlyList<ArchiveFile> here)
    {
        var bytesOf = here.ToDictionary(file => file.Name, file => file.Bytes, StringComparer.Ordinal);
        var found = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (path, bytes, tag) in await bucket.ListAsync(name, stopping.Token).ConfigureAwait(false))
        {
            var own = path[name.Length..];
            var isOther = bytesOf.TryGetValue(own, out var length) && length == bytes && !await options.Parts.IsTagOfAsync(tag, Path.Combine(folder, own), bytes, stopping.Token).ConfigureAwait(false);
            found[own] = isOther ? -1 : bytes;
        }

        return found;
    }

    private static List<ArchiveFile> Files(string folder)
    {
        var files = new List<ArchiveFile>();
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
            files.Add(new ArchiveFile(Path.GetRelativePath(folder, file.FullName).Replace(Path.DirectorySeparatorChar, '/'), file.Length));
        return files;
    }
}
