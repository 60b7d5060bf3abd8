using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Holdfast.Architecture.Tests;

/// <summary>Documents say what is there.</summary>
public sealed partial class DocumentTests
{
    /// <summary>How many requirements each chapter has: R1.1 to R1.14, and so on.</summary>
    private static readonly int[] RequirementsOfChapter = [14, 8, 14, 11, 10];

    /// <summary>The rules that concern what stands today; S15 to S22 belong to the keyspace, S23 to joining several faces, S24 to vectors.</summary>
    private static readonly string[] Rules = [.. Enumerable.Range(1, 14).Select(n => $"S{n}")];

    /// <summary>The sections of the Raft paper and of the thesis behind it that state a rule for what is built here.</summary>
    private static readonly string[] RaftSections =
    [
        "paper 5.1", "paper 5.2", "paper 5.3", "paper 5.4.1", "paper 5.4.2", "paper 5.5", "paper 5.6", "paper 6", "paper 7", "paper 8",
        "thesis 3.10", "thesis 4.2.1", "thesis 4.2.2", "thesis 4.2.3", "thesis 4.3", "thesis 6.2", "thesis 6.3", "thesis 6.4", "thesis 6.4.1", "thesis 9.6", "thesis 10.2.1",
    ];

    [Fact]
    public void Every_requirement_has_a_state()
    {
        var rows = StatusRows();
        var complaints = new List<string>();
        for (var chapter = 1; chapter <= RequirementsOfChapter.Length; chapter++)
            for (var number = 1; number <= RequirementsOfChapter[chapter - 1]; number++)
                if (rows.Count(r => r.Id == $"R{chapter}.{number}") != 1)
                    complaints.Add($"docs/STATUS.md needs exactly one row for R{chapter}.{number}.");
        complaints.AddRange(from row in rows
                            where row.State is not ("done" or "partly" or "core" or "later")
                            select $"docs/STATUS.md: {row.Id} has the unknown state \"{row.State}\".");
        complaints.AddRange(from row in rows
                            where row.State != "later" && row.Proof.Length == 0
                            select $"docs/STATUS.md: {row.Id} claims \"{row.State}\" without proof.");
        Repository.NoComplaints(complaints);
    }

    [Fact]
    public void Every_proof_that_the_status_cites_exists()
        => Repository.NoComplaints(
            from row in StatusRows()
            from Match cited in Quoted().Matches(row.Proof)
            let path = cited.Groups[1].Value
            where path.Contains('/', StringComparison.Ordinal) && !path.StartsWith("./", StringComparison.Ordinal) && !path.Contains(' ', StringComparison.Ordinal)
            where !Repository.Exists(path)
            select $"docs/STATUS.md: {row.Id} cites {path}, which does not exist.");

    [Fact]
    public void Every_test_that_the_status_cites_exists()
    {
        var methods = TestMethods().Select(method => method.Identifier.Text).ToHashSet(StringComparer.Ordinal);
        Repository.NoComplaints(
            from row in StatusRows()
            from Match cited in Quoted().Matches(row.Proof)
            let name = cited.Groups[1].Value
            where TestName().IsMatch(name) && !methods.Contains(name)
            select $"docs/STATUS.md: {row.Id} cites the test {name}, which does not exist.");
    }

    [Fact]
    public void Every_package_is_explained()
    {
        var text = Repository.Read("docs/dependencies.md");
        var packages = XDocument.Parse(Repository.Read("Directory.Packages.props")).Descendants("PackageVersion").Select(p => (string)p.Attribute("Include")!).ToHashSet(StringComparer.Ordinal);
        var explained = PackageRow().Matches(text).Select(m => m.Groups[1].Value).Where(p => p is not ("package" or "---")).ToHashSet(StringComparer.Ordinal);
        Repository.NoComplaints(packages.Except(explained).Select(p => $"docs/dependencies.md does not say why {p} is here.")
            .Concat(explained.Except(packages).Select(p => $"docs/dependencies.md explains {p}, which is not in Directory.Packages.props.")));
    }

    [Fact]
    public void No_relative_link_is_dead()
        => Repository.NoComplaints(
            from document in Repository.Files
            where document.EndsWith(".md", StringComparison.Ordinal)
            from Match link in Link().Matches(Repository.Read(document))
            let target = link.Groups[1].Value.Split('#')[0]
            where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal)
            let path = Path.Combine(Path.GetDirectoryName(document)!, target)
            where !Repository.Exists(path)
            select $"{document}: the link to {target} is dead.");

    /// <summary>A mention in a comment proves nothing: the rule is part of a test's name.</summary>
    [Fact]
    public void Every_safety_rule_is_the_name_of_a_test()
    {
        var names = TestMethods().Select(method => method.Identifier.Text).ToArray();
        Repository.NoComplaints(Rules.Where(rule => !Array.Exists(names, name => Regex.IsMatch(name, $@"(^|_){rule}(_|$)")))
            .Select(rule => $"no test is named after {rule}: begin the name of the test that proves the rule with {rule}_, or end it with _{rule}."));
    }

    [Fact]
    public void Every_section_of_Raft_that_states_a_rule_is_cited_by_a_test()
    {
        var tests = TestMethods().Select(method => method.ToFullString()).ToArray();
        Repository.NoComplaints(RaftSections.Where(section => !Array.Exists(tests, test => Regex.IsMatch(test, $@"Raft {Regex.Escape(section)}(?![0-9.]*[0-9])")))
            .Select(section => $"no test shows {section}: write \"Raft {section}\" beside the test that does."));
    }

    [Fact]
    public void Every_decision_is_listed()
    {
        var list = Repository.Read("docs/decisions/README.md");
        Repository.NoComplaints(Repository.Files.Where(f => DecisionFile().IsMatch(f)).Where(f => !list.Contains($"({Path.GetFileName(f)})", StringComparison.Ordinal))
            .Select(f => $"docs/decisions/README.md does not list {f}."));
    }

    /// <summary>The methods with an attribute under tests/, which is what a test looks like; this room's own ask, and prove nothing.</summary>
    private static IEnumerable<MethodDeclarationSyntax> TestMethods()
        => from source in Repository.Sources
           where Repository.IsUnder(source.Path, "tests") && !Repository.IsUnder(source.Path, "tests/Holdfast.Architecture.Tests")
           from method in source.Tree.Nodes<MethodDeclarationSyntax>()
           where method.AttributeLists.Count > 0
           select method;

    private static List<(string Id, string State, string Proof)> StatusRows()
        => [.. StatusRow().Matches(Repository.Read("docs/STATUS.md")).Select(m => (m.Groups[1].Value, m.Groups[2].Value.Trim(), m.Groups[3].Value.Trim()))];

    [GeneratedRegex(@"^\| (R\d+\.\d+) \|[^|\n]*\|([^|\n]*)\|([^|\n]*)\|$", RegexOptions.Multiline)]
    private static partial Regex StatusRow();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex("^[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)+$")]
    private static partial Regex TestName();

    [GeneratedRegex(@"^\| ([A-Za-z][A-Za-z0-9.-]*) \|", RegexOptions.Multiline)]
    private static partial Regex PackageRow();

    [GeneratedRegex(@"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^docs/decisions/\d{4}-.*\.md$")]
    private static partial Regex DecisionFile();
}
