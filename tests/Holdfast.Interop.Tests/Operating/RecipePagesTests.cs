using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>docs/recipes.md and docs/chaos.md cite tests that exist, and experiments that can be read (R1.10, R1.14).</summary>
public sealed partial class RecipePagesTests
{
    [Fact]
    public void Every_experiment_is_there_for_both_tools_and_can_be_read()
    {
        var kinds = new List<string>();
        foreach (Match block in Yaml().Matches(File.ReadAllText(Checkout.PathOf("docs/chaos.md"))))
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(block.Groups[1].Value));
            var root = (YamlMappingNode)stream.Documents.Single().RootNode;
            Assert.Equal("holdfast", (string?)root["metadata"]["namespace"]);
            Assert.NotEmpty((YamlMappingNode)root["spec"]);
            kinds.Add($"{root["apiVersion"]} {root["kind"]}");
        }

        Assert.Equal(
            ["chaos-mesh.org/v1alpha1 PodChaos", "litmuschaos.io/v1alpha1 ChaosEngine", "chaos-mesh.org/v1alpha1 NetworkChaos", "litmuschaos.io/v1alpha1 ChaosEngine", "chaos-mesh.org/v1alpha1 NetworkChaos", "litmuschaos.io/v1alpha1 ChaosEngine"],
            kinds);
    }

    [Theory]
    [InlineData("docs/recipes.md")]
    [InlineData("docs/chaos.md")]
    [InlineData("docs/coordination.md")]
    public void Every_test_that_a_page_cites_exists(string page)
    {
        var sources = string.Concat(Directory.EnumerateFiles(Checkout.PathOf("tests"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        var cited = TestName().Matches(File.ReadAllText(Checkout.PathOf(page))).Select(name => name.Groups[1].Value).Distinct().ToArray();
        Assert.NotEmpty(cited);
        Assert.All(cited, name => Assert.True(sources.Contains($" {name}(", StringComparison.Ordinal) || sources.Contains($"class {name}", StringComparison.Ordinal), $"{page} cites {name}, which is nowhere"));
    }

    [Fact]
    public void Every_alert_that_a_page_cites_exists()
    {
        var rules = File.ReadAllText(Checkout.PathOf("deploy/prometheus/holdfast-alerts.yaml"));
        foreach (Match alert in AlertName().Matches(File.ReadAllText(Checkout.PathOf("docs/chaos.md")))) Assert.Contains($"alert: {alert.Groups[1].Value}\n", rules, StringComparison.Ordinal);
    }

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Yaml();

    [GeneratedRegex(@"`([A-Z][a-z0-9]*(?:_[A-Za-z0-9]+)+|[A-Z][A-Za-z]*Tests)`")]
    private static partial Regex TestName();

    [GeneratedRegex("`(Holdfast[A-Z][A-Za-z]+)`")]
    private static partial Regex AlertName();
}
