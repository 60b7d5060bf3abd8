using Holdfast.Server.Hosting;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>docs/operations.md names what an operator meets in logs and exit codes (R1.12).</summary>
public sealed class OperationsPageTests
{
    [Fact]
    public void Every_event_is_listed_with_its_id_and_meaning()
    {
        var page = File.ReadAllText(Checkout.PathOf("docs/operations.md"));
        var missing = NodeEvents.All.Select(each => $"| {each.Id} | `{each.Type}` | {each.Meaning} |").Where(row => !page.Contains(row, StringComparison.Ordinal)).ToArray();
        Assert.True(missing.Length == 0, "docs/operations.md lacks:\n" + string.Join('\n', missing));
        Assert.Equal(NodeEvents.All.Count, NodeEvents.All.Select(each => each.Id).Distinct().Count());
        Assert.All(NodeEvents.All, each => Assert.InRange(each.Id, 5000, 5199));
    }
}
