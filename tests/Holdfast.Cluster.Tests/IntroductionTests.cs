namespace Holdfast.Cluster.Tests;

/// <summary>Of two nodes the one with the smaller id dials: one whose address it does not know has to say it.</summary>
public sealed class IntroductionTests
{
    [Fact]
    public async Task A_newcomer_that_leads_makes_itself_known_to_a_node_that_was_down_when_it_joined()
    {
        await using var nodes = new NodesInProcess();
        var made = await nodes.FoundAsync(3);
        var down = made.MinBy(node => node.Directory.Status.Self)!;
        var known = down.Directory.Status.Self;
        var there = made.Where(node => node != down).ToList();
        var newcomer = there[0];
        var back = await nodes.RestartAsync(NodesInProcess.NameOf(down), async () =>
        {
            // Whom the one that is down would have to dial.
            for (var number = 4; newcomer == there[0] || newcomer.Directory.Status.Self.CompareTo(known) < 0; number++) there.Add(newcomer = await nodes.JoinAsync($"n{number}", there[0]));
            await nodes.UntilAsync(() =>
            {
                foreach (var node in there)
                    if (node != newcomer && node.Directory.Status.IsServingLeader) _ = node.Directory.TransferLeadershipAsync(newcomer.Directory.Status.Self);
                return newcomer.Directory.Status.IsServingLeader;
            });
        });

        await nodes.UntilAsync(() => back.View.Members.ContainsKey(newcomer.Directory.Status.Self));
    }
}
