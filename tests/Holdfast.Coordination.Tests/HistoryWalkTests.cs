using Holdfast.Cluster;
using Holdfast.Coordination.Endpoints.History;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests;

/// <summary>Walks through history hold memory; whoever asks for them and goes must not leave it held.</summary>
public sealed class HistoryWalkTests
{
    [Fact]
    public async Task A_client_that_goes_while_its_walk_begins_holds_nothing()
    {
        var local = new Local();
        for (var i = 0; i < 5; i++) await local.Put("a", "1");
        using var gone = new CancellationTokenSource();
        var late = new TooLate(local.Group, gone);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await HistoryWalk.BeginAsync(late, 0, gone.Token));
        await local.Compact(6);
        Assert.Equal(1, local.Machine.Store.Versions); // A pin would keep all five.
    }

    [Fact]
    public async Task More_snapshots_than_four_at_once_are_refused_and_a_finished_one_makes_room()
    {
        var local = new Local();
        await local.Put("a", "1");
        var taking = new List<IAsyncEnumerator<SnapshotResponse>>();
        for (var i = 0; i < 4; i++)
        {
            taking.Add(local.Face.SnapshotAsync(new SnapshotRequest()).GetAsyncEnumerator(TestContext.Current.CancellationToken));
            Assert.True(await taking[i].MoveNextAsync());
        }

        await using var fifth = local.Face.SnapshotAsync(new SnapshotRequest()).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.Equal(EtcdErrors.TooManyRequests, (await Assert.ThrowsAsync<EtcdException>(async () => await fifth.MoveNextAsync())).Error);
        await taking[0].DisposeAsync();
        await using var sixth = local.Face.SnapshotAsync(new SnapshotRequest()).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await sixth.MoveNextAsync());
        foreach (var rest in taking.Skip(1)) await rest.DisposeAsync();
    }

    /// <summary>A group whose client goes just when its read is done.</summary>
    private sealed class TooLate(IKeyspaceGroup group, CancellationTokenSource gone) : IKeyspaceGroup
    {
        public IdentityView Identity => group.Identity;

        public KeyspaceStatus Status => group.Status;

        public ValueTask<CommandReply> ProposeAsync(byte[] command, CancellationToken cancel) => group.ProposeAsync(command, cancel);

        public async ValueTask<TResult> ReadAsync<TResult>(KeyspaceRead<TResult> read, bool isLinearizable, CancellationToken cancel)
        {
            var result = await group.ReadAsync(read, isLinearizable, CancellationToken.None);
            if (!gone.IsCancellationRequested) await gone.CancelAsync();
            cancel.ThrowIfCancellationRequested();
            return result;
        }

        public ValueTask<bool> MoveLeaderAsync(ulong target, CancellationToken cancel) => group.MoveLeaderAsync(target, cancel);
    }
}
