namespace Holdfast.Keyspace.Tests;

/// <summary>What several connections hear from Debian's redis-server, they hear from us, in the same order: waiting commands, pub/sub, notifications. The replica that sees only the effects ends alike.</summary>
public sealed class ScenarioTests(DifferentialTests.Oracle oracle) : IClassFixture<DifferentialTests.Oracle>
{
    public static TheoryData<string, int> Scenarios => [.. from name in Scenario.Names from protocol in (int[])[2, 3] select (name, protocol)];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Connections_hear_what_they_would_hear_from_Redis(string name, int protocol)
    {
        using var theirs = new RedisStage(oracle.Connect);
        using (var cleaner = oracle.Connect()) cleaner.AskAll([["FLUSHALL"], ["CONFIG", "SET", "notify-keyspace-events", ""]]);
        var shards = new LocalShards();
        var scenario = new Scenario(name);
        Assert.Equal(string.Join('\n', scenario.Play(theirs, protocol)), string.Join('\n', scenario.Play(new LocalStage(shards), protocol)));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }
}
