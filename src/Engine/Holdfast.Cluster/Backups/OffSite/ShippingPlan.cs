namespace Holdfast.Cluster;

/// <summary>What has to be done so that a copy of an archive holds what the archive does. Pure.</summary>
/// <param name="Puts">What is sent, in this order.</param>
/// <param name="Deletes">What is deleted when all that was sent has arrived.</param>
internal sealed record ShippingPlan(IReadOnlyList<ArchiveFile> Puts, IReadOnlyList<string> Deletes)
{
    /// <summary>
    /// Decides. What other files name goes before them, manifests last: at any moment the copy holds only bases that are whole. Unfinished files (parts, manifests that are wanted and not published) stay here.
    /// </summary>
    /// <param name="here">The archive's files.</param>
    /// <param name="there">The copy's, by name, with their sizes.</param>
    public static ShippingPlan Of(IReadOnlyList<ArchiveFile> here, IReadOnlyDictionary<string, long> there)
    {
        var whole = here.Where(file => !IsUnfinished(file.Name)).ToList();
        var names = whole.Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        var bases = whole.Where(file => file.Name.EndsWith("/manifest", StringComparison.Ordinal)).Select(file => FolderOf(file.Name)).ToHashSet(StringComparer.Ordinal);

        // A base that has no manifest yet is being copied: its chunks would be sent anew with each look.
        var puts = whole
            .Where(file => !file.Name.EndsWith("/chunks", StringComparison.Ordinal) || bases.Contains(FolderOf(file.Name)))
            .Where(file => !there.TryGetValue(file.Name, out var bytes) || bytes != file.Bytes)
            .OrderBy(file => RankOf(file.Name)).ThenBy(file => file.Name, StringComparer.Ordinal);
        return new ShippingPlan([.. puts], [.. there.Keys.Where(name => !names.Contains(name)).OrderBy(name => -RankOf(name)).ThenBy(name => name, StringComparer.Ordinal)]);
    }

    private static int RankOf(string name) => name switch
    {
        _ when name.EndsWith("/manifest", StringComparison.Ordinal) => 2,
        ArchiveIdentity.FileName => 3,
        _ => 1,
    };

    private static bool IsUnfinished(string name) => name.EndsWith(".part", StringComparison.Ordinal) || name.EndsWith(".new", StringComparison.Ordinal) || name.EndsWith("/manifest.wanted", StringComparison.Ordinal);

    private static string FolderOf(string name) => name[..name.LastIndexOf('/')];
}

/// <summary>A file of an archive.</summary>
/// <param name="Name">Its path within the archive, with '/'.</param>
/// <param name="Bytes">How much is there.</param>
internal readonly record struct ArchiveFile(string Name, long Bytes);
