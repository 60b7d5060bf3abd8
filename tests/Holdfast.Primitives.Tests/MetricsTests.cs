using Holdfast.Primitives.Metrics;

namespace Holdfast.Primitives.Tests;

public sealed class MetricsTests
{
    [Fact]
    public async Task A_counter_loses_nothing_when_many_threads_count()
    {
        var counter = new Counter();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++) counter.Increment();
        })));
        Assert.Equal(80_000, counter.Value);
    }

    [Fact]
    public void The_page_names_each_family_once_with_help_kind_and_series_in_order()
    {
        var registry = new MetricsRegistry();
        registry.Counter("b_total", "Bs.", "kind=\"y\"").Add(2);
        registry.Counter("b_total", "Bs.", "kind=\"x\"").Increment();
        registry.Gauge("a", "An a.", () => 1.5);
        Assert.Equal("# HELP a An a.\n# TYPE a gauge\na 1.5\n# HELP b_total Bs.\n# TYPE b_total counter\nb_total{kind=\"x\"} 1\nb_total{kind=\"y\"} 2\n", registry.Print());
    }

    [Fact]
    public void The_same_name_and_labels_are_the_same_counter()
    {
        var registry = new MetricsRegistry();
        registry.Counter("a_total", "As.").Increment();
        registry.Counter("a_total", "As.").Increment();
        Assert.Equal(2, registry.Counter("a_total", "As.").Value);
    }

    [Fact]
    public void A_name_cannot_be_a_counter_and_a_gauge()
    {
        var registry = new MetricsRegistry();
        registry.Gauge("a", "An a.", () => 0);
        Assert.Throws<InvariantBrokenException>(() => registry.Counter("a", "An a."));
    }
}
