using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests;

/// <summary>A snapshot holds its moment in memory, so whoever takes one must read on.</summary>
public sealed class SnapshotPaceTests
{
    [Fact]
    public async Task A_client_that_is_behind_the_pace_has_its_snapshot_broken_off()
    {
        // Without a head start nobody keeps the pace before the first piece.
        var local = new Local(new CoordinationOptions { SnapshotHeadStart = TimeSpan.Zero });
        await local.Put("a", "1");
        var broken = await Assert.ThrowsAsync<EtcdException>(async () =>
        {
            await foreach (var piece in local.Face.SnapshotAsync(new SnapshotRequest())) Assert.NotNull(piece);
        });
        Assert.Equal(EtcdErrors.Timeout, broken.Error);
    }

    [Fact]
    public async Task A_client_that_reads_has_all_of_it()
    {
        var local = new Local();
        await local.Put("a", "1");
        ulong left = 1;
        await foreach (var piece in local.Face.SnapshotAsync(new SnapshotRequest())) left = piece.RemainingBytes;
        Assert.Equal(0UL, left);
    }
}
