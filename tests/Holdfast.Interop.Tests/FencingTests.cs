using Google.Protobuf;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Interop.Tests;

/// <summary>Locks over leader changes and restarts of real processes (R1.6; S22's tokens must never fall back).</summary>
public sealed class FencingTests
{
    [Fact]
    public async Task Fences_only_rise_when_leaders_die_and_all_restart()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var fences = new List<long>();
        for (var round = 0; round < 3; round++)
        {
            var leader = await cluster.LeaderAsync();
            fences.Add(await LockAndUnlockAsync(cluster, leader));
            if (round == 1)
            {
                for (var node = 0; node < 3; node++) cluster.Kill(node);
                for (var node = 0; node < 3; node++) cluster.Start(node);
                for (var node = 0; node < 3; node++) await cluster.UntilServesAsync(node);
                continue;
            }

            cluster.Kill(leader);
            fences.Add(await LockAndUnlockAsync(cluster, (leader + 1) % 3));
            cluster.Start(leader);
            await cluster.UntilServesAsync(leader);
        }

        Assert.Equal(fences.Order(), fences);
        Assert.Equal(fences.Count, fences.Distinct().Count());
    }

    private static async Task<long> LockAndUnlockAsync(ProcessCluster cluster, int node)
    {
        await cluster.UntilServesAsync(node);
        var locks = cluster.Locks(node);
        var deadline = Patient.Deadline;
        var held = await locks.LockAsync(new LockRequest { Name = ByteString.CopyFromUtf8("job") }, deadline: deadline);
        await locks.UnlockAsync(new UnlockRequest { Key = held.Key }, deadline: deadline);
        return held.Fence;
    }
}
