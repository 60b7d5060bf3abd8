using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Holdfast.Vectors.Endpoints.Grpc;
using Holdfast.Vectors.Endpoints.Rest;
using Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>docs/vectors.md lists every operation of Qdrant's REST and gRPC, and says of each whether it is served: the list is made from the tables of routes and methods, and nobody writes it.</summary>
public sealed partial class ApiPageTests
{
    private const string Begin = "<!-- operations: made by ApiPageTests -->\n";
    private const string End = "<!-- end of operations -->\n";

    [Fact]
    public void The_page_lists_the_operations_as_the_tables_have_them()
    {
        var page = File.ReadAllText(PathOf("..", "..", "..", "docs", "vectors.md"));
        var (from, to) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        Assert.True(from >= 0 && to > from, "docs/vectors.md has lost the marks between which the list of operations stands");
        var expected = page[..(from + Begin.Length)] + List() + page[to..];
        if (expected == page) return;
        var made = Path.Combine(AppContext.BaseDirectory, "vectors.md");
        File.WriteAllText(made, expected);
        Assert.Fail($"docs/vectors.md is not what the tables say; the right page is {made}: copy it");
    }

    private static string List()
    {
        var served = RestDoor.Routes.Select(route => (route.Method, Path: Nameless(route.Pattern))).Concat(ServicePages.Paths.Select(path => ("GET", path))).ToHashSet();
        var known = File.ReadAllLines(PathOf("rest-operations.txt")).Select(line => line.Split(' ')).Select(words => (Method: words[0], Path: words[1])).ToArray();
        var text = new StringBuilder($"\n**REST** ({known.Count(IsServed)} of {known.Length} operations of Qdrant's OpenAPI served)\n\n| operation | |\n|---|---|\n");
        foreach (var operation in known) text.Append($"| {operation.Method} {operation.Path} | {(IsServed(operation) ? "✓" : "–")} |\n");
        var own = served.Except(known.Select(each => (each.Method, Nameless(each.Path)))).Select(each => $"{each.Item1} {each.Item2}").Order(StringComparer.Ordinal).ToArray();
        text.Append($"\nServed besides: {string.Join(", ", own)}.\n");

        foreach (var file in new[] { CollectionsServiceReflection.Descriptor, PointsServiceReflection.Descriptor, SnapshotsServiceReflection.Descriptor, QdrantReflection.Descriptor })
            foreach (var service in file.Services)
            {
                var methods = service.Methods.Select(method => (method.Name, IsServed: GrpcMethods.ByPath.ContainsKey($"/{service.FullName}/{method.Name}"))).ToArray();
                text.Append($"\n**{service.FullName}** ({methods.Count(method => method.IsServed)} of {methods.Length} methods served): ");
                text.AppendJoin(", ", methods.Select(method => $"{method.Name} {(method.IsServed ? "✓" : "–")}"));
                text.Append('\n');
            }

        return text.Append('\n').ToString();

        bool IsServed((string Method, string Path) operation) => served.Contains((operation.Method, Nameless(operation.Path)));
    }

    /// <summary>What a part of a path is called does not matter.</summary>
    private static string Nameless(string path) => Named().Replace(path, "{}");

    private static string PathOf(params string[] parts) => PathFrom(parts);

    private static string PathFrom(string[] parts, [CallerFilePath] string here = "") => Path.Combine([Path.GetDirectoryName(here)!, .. parts]);

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Named();
}
