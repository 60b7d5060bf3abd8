using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Holdfast.Architecture.Tests;

/// <summary>The tables of docs/coordination.md name tests that are there and say the same.</summary>
public sealed partial class CoordinationPageTests
{
    private const string Page = "docs/coordination.md";

    /// <summary>etcd's own list of consistency bugs, of which each needs a scenario.</summary>
    private static readonly int[] KnownBugs = [13766, 14370, 14571, 14685, 15220, 15271, 17247, 17529, 17780, 18055, 18089, 18667, 19179, 20221, 20271, 20418];

    private static readonly (string Path, MethodDeclarationSyntax Method)[] Tests =
    [
        .. from source in Repository.Sources
           where Repository.IsUnder(source.Path, "tests")
           from method in source.Tree.Nodes<MethodDeclarationSyntax>()
           where method.AttributeLists.Any()
           select (source.Path, method),
    ];

    [Fact]
    public void Every_known_bug_of_etcd_has_its_scenario_and_says_so()
    {
        var rows = BugRow().Matches(Repository.Read(Page)).Select(row => (Bug: int.Parse(row.Groups[1].Value), Test: row.Groups[2].Value, Where: row.Groups[3].Value)).ToArray();
        var complaints = KnownBugs.Except(rows.Select(row => row.Bug)).Select(bug => $"{Page} has no row for etcd #{bug}.").ToList();
        foreach (var (bug, test, where) in rows)
        {
            var (path, method) = Tests.FirstOrDefault(candidate => candidate.Method.Identifier.Text == test);
            if (method is null) complaints.Add($"{Page}: #{bug} names {test}, which does not exist.");
            else if (!method.GetLeadingTrivia().ToFullString().Contains($"etcd #{bug}", StringComparison.Ordinal)) complaints.Add($"{path}: {test} does not say in its comment that it is about etcd #{bug}.");
            else if (path.Contains("Simulation", StringComparison.Ordinal) != (where == "world")) complaints.Add($"{Page}: #{bug} is said to be a {where} scenario, and is in {path}.");
        }

        Repository.NoComplaints(complaints);
    }

    [Fact]
    public void Every_test_that_the_page_names_exists()
    {
        var names = Tests.Select(test => test.Method.Identifier.Text).ToHashSet(StringComparer.Ordinal);
        Repository.NoComplaints(TestName().Matches(Repository.Read(Page)).Select(name => name.Groups[1].Value).Where(name => !names.Contains(name)).Select(name => $"{Page} names {name}, which does not exist."));
    }

    [GeneratedRegex(@"^\| #(\d+) \|[^|\n]*\| `([A-Za-z0-9_]+)` \| (unit|world) \|$", RegexOptions.Multiline)]
    private static partial Regex BugRow();

    /// <summary>A sentence in code: a capital letter, and at least three underscores.</summary>
    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){3,})`")]
    private static partial Regex TestName();
}
