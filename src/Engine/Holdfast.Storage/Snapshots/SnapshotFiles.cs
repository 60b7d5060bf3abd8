using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// Where a snapshot lies: <c>snapshots/GROUP/TERM-INDEX/</c> with <c>chunks</c>, and <c>manifest</c> once it is whole. The state files that it may name lie in
/// <c>snapshots/GROUP/files/</c>.
/// </summary>
internal readonly record struct SnapshotFiles(string Root, GroupId Group, LogPosition Position)
{
    public string GroupFolder => GroupFolderOf(Root, Group);

    public string Folder => $"{GroupFolder}/{NameOf(Position)}";

    public string Chunks => $"{Folder}/chunks";

    /// <summary>Its existence under this name says that the snapshot is whole and durable.</summary>
    public string Manifest => $"{Folder}/manifest";

    /// <summary>The manifest of a snapshot that is still being written or fetched.</summary>
    public string ManifestWanted => $"{Folder}/manifest.wanted";

    public static string GroupFolderOf(string root, GroupId group) => $"{root}/{group}";

    public static string StateFilesFolderOf(string root, GroupId group) => $"{GroupFolderOf(root, group)}/files";

    public static string NameOf(LogPosition position) => string.Create(CultureInfo.InvariantCulture, $"{position.Term.Value}-{position.Index.Value}");

    public static bool TryParse(string name, out LogPosition position)
    {
        position = default;
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0) return false;
        if (!ulong.TryParse(name.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var term)) return false;
        if (!ulong.TryParse(name.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index)) return false;
        position = new LogPosition(new Term(term), new LogIndex(index));
        return true;
    }
}
