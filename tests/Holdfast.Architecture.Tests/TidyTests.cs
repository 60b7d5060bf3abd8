using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Holdfast.Architecture.Tests;

/// <summary>Style as a test, over syntax trees.</summary>
public sealed partial class TidyTests
{
    private const int TypeLinesMax = 700;
    private const int FileLinesMax = 700;
    private const int MethodLinesMax = 80;

    private static readonly (string Word, string Instead)[] SayNothing =
    [
        ("Manager", "say what it does with them: Table, Planner, Schedule"),
        ("Helper", "put the function on the type it is about, or name the rule it computes"),
        ("Utils", "put the function on the type it is about, or name the rule it computes"),
        ("Wrapper", "say what it adds: BufferedX, MeteredX"),
        ("Info", "say which facts: Progress, Identity, Position"),
    ];

    [Fact]
    public void No_type_grows_beyond_what_a_reader_can_hold()
        => Repository.NoComplaints(
            from type in from file in Repository.Sources
                         from declaration in file.Tree.Nodes<TypeDeclarationSyntax>()
                         where declaration.Parent is not TypeDeclarationSyntax
                         group SourceFile.Lines(declaration) by (Room(file.Path), FullName(declaration)) into parts
                         select (parts.Key, Lines: parts.Sum())
            where type.Lines > TypeLinesMax
            select $"{type.Key.Item2} has {type.Lines} lines over all its parts (limit {TypeLinesMax}): find the second noun in it. Partial files do not help.");

    [Fact]
    public void No_file_grows_beyond_what_a_reader_can_hold()
        => Repository.NoComplaints(
            from file in Repository.Sources
            let lines = file.Tree.Tree.GetText().Lines.Count
            where lines > FileLinesMax
            select $"{file.Path} has {lines} lines (limit {FileLinesMax}).");

    [Fact]
    public void No_method_grows_beyond_what_a_reader_can_hold()
        => Repository.NoComplaints(
            from file in Repository.Sources
            from method in file.Tree.Nodes<BaseMethodDeclarationSyntax>()
            let lines = SourceFile.Lines(method)
            where lines > MethodLinesMax
            let name = $"{(method.Parent as TypeDeclarationSyntax)?.Identifier.Text}.{(method as MethodDeclarationSyntax)?.Identifier.Text ?? "constructor"}"
            select $"{file.Path}: {name} has {lines} lines (limit {MethodLinesMax}): the parent decides, the children compute.");

    [Fact]
    public void No_type_has_a_name_that_says_nothing()
        => Repository.NoComplaints(
            from file in Repository.Sources
            from type in file.Tree.Nodes<BaseTypeDeclarationSyntax>()
            from banned in SayNothing
            where type.Identifier.Text.EndsWith(banned.Word, StringComparison.Ordinal)
            select $"{file.Path}: {type.Identifier.Text}: \"{banned.Word}\" says nothing; {banned.Instead}.");

    [Fact]
    public void No_test_is_skipped_or_sleeps()
        => Repository.NoComplaints(
            from file in Repository.Sources
            where Repository.IsUnder(file.Path, "tests") && !file.Path.EndsWith("TidyTests.cs", StringComparison.Ordinal)
            from complaint in Complaints(file.Tree)
            select $"{file.Path}: {complaint}");

    [Fact]
    public void No_path_of_one_machine_is_in_the_repository()
        => Repository.NoComplaints(
            from path in Repository.Files
            where path is not "LICENSE" && Path.GetExtension(path) is ".cs" or ".md" or ".csproj" or ".props" or ".targets" or ".sh" or ".json" or ".yaml" or ""
            let hit = MachinePath().Match(Repository.Read(path))
            where hit.Success
            select $"{path}: {hit.Value} is a path of one machine; use a relative one.");

    /// <summary>What a newcomer sees first. Programs that tests and benchmarks start leave files where they were started; .gitignore names those that are known to.</summary>
    [Fact]
    public void The_root_holds_what_a_newcomer_looks_for_and_nothing_else()
    {
        string[] expected =
        [
            ".editorconfig", ".git", ".gitattributes", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "Holdfast.slnx", "LICENSE", "README.md",
            "SECURITY.md", "global.json", "holdfast", "test",
        ];
        var left = Repository.Read(".gitignore").Split('\n').Where(line => line.StartsWith('/')).Select(line => line[1..].TrimEnd());
        Repository.NoComplaints(Repository.Files.Where(file => !file.Contains('/', StringComparison.Ordinal)).Except(expected).Except(left)
            .Select(file => $"{file} lies in the root: put it where it belongs, or remove it."));
    }

    private static IEnumerable<string> Complaints(SourceFile file)
    {
        foreach (var argument in file.Nodes<AttributeArgumentSyntax>())
            if (argument.NameEquals?.Name.Identifier.Text == "Skip")
                yield return "a skipped test proves nothing: mend it or remove it.";
        foreach (var call in file.Nodes<InvocationExpressionSyntax>())
            if (call.Expression.ToString() is "Thread.Sleep" or "System.Threading.Thread.Sleep")
                yield return "a test does not sleep: ask the clock, or wait for the condition.";
    }

    private static string Room(string path) => string.Join('/', path.Split('/').Take(3));

    private static string FullName(BaseTypeDeclarationSyntax type)
        => type.Ancestors().OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name + "." + type.Identifier.Text;

    [GeneratedRegex("""(?<![\w.])/(work/[a-z]+|home/[a-z]+|Users/[A-Za-z]+|root)/""")]
    private static partial Regex MachinePath();
}
