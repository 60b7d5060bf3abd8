using Holdfast.Consensus;

namespace Holdfast.Cluster.Tests;

/// <summary>Of two nodes the one with the smaller id dials: one whose address it does not know has to say it.</summary>
public sealed class IntroductionTests
{
    [Fact]
    public async Task A_node_that_came_back_elsewhere_makes_itself_known_to_the_one_that_would_have_to_dial_it()
    {
        await using var nodes = new NodesInProcess();
        var made = await nodes.FoundAsync(2);
        var (dials, waits) = made[0].Directory.Status.Self.CompareTo(made[1].Directory.Status.Self) < 0 ? (made[0], made[1]) : (made[1], made[0]);
        var again = await nodes.RestartAsync(NodesInProcess.NameOf(waits), _ => { });

        // Neither can lead without the other.
        await nodes.UntilAsync(() => dials.Directory.Status.IsServingLeader || again.Directory.Status.IsServingLeader);
        await nodes.UntilAcceptedAsync(() => again.SetSettingAsync("test", "said", once: false, CancellationToken.None));
        await nodes.UntilAsync(() => dials.View.Settings.GetValueOrDefault("test") == "said");
    }
}
