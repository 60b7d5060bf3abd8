namespace Holdfast.Cluster;

/// <summary>Brings archives back from a bucket into a directory, where they are listed, verified and restored from as if they had been kept there.</summary>
public static class OffSiteFetch
{
    /// <summary>Fetches every object that is not there already with the same size.</summary>
    /// <param name="address">Where the copies are.</param>
    /// <param name="credentials">In whose name.</param>
    /// <param name="directory">The directory, made when it is not there.</param>
    /// <param name="progress">Told the bytes that came, and of how many.</param>
    /// <param name="cancel">Gives it up; what came stays.</param>
    /// <returns>How many objects came.</returns>
    /// <exception cref="IOException">The store did not give them, or one has a name that leads out of the directory.</exception>
    public static async Task<int> RunAsync(S3Address address, S3Credentials credentials, string directory, Action<long, long> progress, CancellationToken cancel)
    {
        using var bucket = new S3Bucket(address, credentials, S3Parts.Default);
        var objects = await bucket.ListAsync("", cancel).ConfigureAwait(false);
        if (objects.Count == 0) throw new IOException($"{address} holds nothing: name what a node was given with --backup-off-site");
        directory = Path.GetFullPath(directory);
        MakePrivate(directory);
        var total = objects.Sum(one => one.Bytes);
        var (done, fetched) = (0L, 0);
        foreach (var one in objects)
        {
            var target = Path.GetFullPath(Path.Combine(directory, one.Name));
            if (!target.StartsWith(directory + Path.DirectorySeparatorChar, StringComparison.Ordinal)) throw new IOException($"{address}{one.Name}: no archive has a file of that name");
            if (!File.Exists(target) || new FileInfo(target).Length != one.Bytes)
            {
                await FetchAsync(bucket, one, target, cancel).ConfigureAwait(false);
                fetched++;
            }

            progress(done += one.Bytes, total);
        }

        return fetched;
    }

    private static async Task FetchAsync(S3Bucket bucket, S3Object one, string target, CancellationToken cancel)
    {
        MakePrivate(Path.GetDirectoryName(target)!);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using (var file = new FileStream(target + ".part", options)) await bucket.GetAsync(one.Name, file, cancel).ConfigureAwait(false);
        File.Move(target + ".part", target, overwrite: true);
    }

    private static void MakePrivate(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
