using Holdfast.Rag.Documents;

namespace Holdfast.Rag;

/// <summary>The files that paths mean, in a fixed order.</summary>
internal static class SourceFiles
{
    internal readonly record struct SourceFile(string Path, string Source, long Bytes);

    /// <summary>Files that were named, whatever they are; and below folders those of a known kind, hidden ones left out.</summary>
    /// <exception cref="ArgumentException">A path is neither a file nor a folder.</exception>
    public static List<SourceFile> Find(IEnumerable<string> paths)
    {
        var files = new List<SourceFile>();
        foreach (var path in paths)
        {
            if (File.Exists(path)) files.Add(new SourceFile(path, Path.GetFileName(path), new FileInfo(path).Length));
            else if (!Directory.Exists(path)) throw new ArgumentException($"{path} is neither a file nor a folder");
            else
            {
                foreach (var file in new DirectoryInfo(path).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint, IgnoreInaccessible = true }))
                    if (DocumentReader.IsKnown(file.Name)) files.Add(new SourceFile(file.FullName, RootOf(path) + Path.GetRelativePath(path, file.FullName).Replace('\\', '/'), file.Length));
            }
        }

        return [.. files.DistinctBy(static file => file.Source).OrderBy(static file => file.Source, StringComparer.Ordinal)];
    }

    /// <summary>What the sources of files below each folder begin with.</summary>
    public static List<string> RootsOf(IEnumerable<string> paths) => [.. paths.Where(Directory.Exists).Select(RootOf)];

    private static string RootOf(string folder) => new DirectoryInfo(folder).Name + "/";
}
