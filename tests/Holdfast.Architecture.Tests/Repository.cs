using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Holdfast.Architecture.Tests;

/// <summary>The checkout that this test was built from, as lists of files.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs = ["artifacts", ".git", "node_modules", "holdfast-data", "bin", "obj"];

    internal static readonly string Root = FindRoot();

    /// <summary>Every tracked kind of file, relative to the root, with forward slashes, in a stable order.</summary>
    internal static readonly string[] Files = List(Root).Order(StringComparer.Ordinal).ToArray();

    internal static readonly IReadOnlyList<(string Path, SourceFile Tree)> Sources =
        Files.Where(f => f.EndsWith(".cs", StringComparison.Ordinal))
            .Select(f => (f, new SourceFile(CSharpSyntaxTree.ParseText(Read(f))))).ToArray();

    internal static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    internal static bool Exists(string path) => File.Exists(Path.Combine(Root, path)) || Directory.Exists(Path.Combine(Root, path));

    internal static bool IsUnder(string path, string folder) => path.StartsWith(folder + "/", StringComparison.Ordinal);

    /// <summary>Fails with every complaint at once.</summary>
    internal static void NoComplaints(IEnumerable<string> complaints)
    {
        var all = complaints.ToArray();
        Assert.True(all.Length == 0, string.Join('\n', all));
    }

    private static IEnumerable<string> List(string directory)
    {
        foreach (var file in Directory.EnumerateFiles(directory))
            yield return Path.GetRelativePath(Root, file).Replace('\\', '/');
        foreach (var child in Directory.EnumerateDirectories(directory))
            if (!NotOurs.Contains(Path.GetFileName(child)))
                foreach (var file in List(child))
                    yield return file;
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Holdfast.slnx")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("run inside a checkout: no Holdfast.slnx above the test program");
    }
}

/// <summary>A parsed source file.</summary>
internal sealed record SourceFile(SyntaxTree Tree)
{
    internal IEnumerable<T> Nodes<T>() => Tree.GetRoot().DescendantNodes().OfType<T>();

    internal static int Lines(SyntaxNode node)
    {
        var span = node.GetLocation().GetLineSpan();
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }
}
