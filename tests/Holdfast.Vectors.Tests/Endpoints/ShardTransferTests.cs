using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>What a shard's standing amounts to in the words of Qdrant's pages.</summary>
public sealed class ShardTransferTests
{
    [Fact]
    public void A_move_is_one_transfer_until_who_comes_counts_and_who_goes_does_not()
    {
        Assert.Empty(ShardTransfer.Of(new ShardStanding(0, [1, 2, 3], [3, 1, 2], [], 1)));
        var moving = Assert.Single(ShardTransfer.Of(new ShardStanding(0, [1, 2, 4], [1, 2, 3], [], 1)));
        Assert.Equal((0, 3UL, 4UL, false, "snapshot"), (moving.Shard, moving.From, moving.To, moving.IsCopy, moving.Method));
        Assert.StartsWith("fetches", moving.Comment, StringComparison.Ordinal);
        Assert.StartsWith("caught up", Assert.Single(ShardTransfer.Of(new ShardStanding(0, [1, 2, 4], [1, 2, 3], [4], 1))).Comment, StringComparison.Ordinal);
        var copy = Assert.Single(ShardTransfer.Of(new ShardStanding(5, [1, 2, 3, 4], [1, 2, 3], [], 2)));
        Assert.Equal((5, 2UL, 4UL, true), (copy.Shard, copy.From, copy.To, copy.IsCopy));
        Assert.Equal([(2UL, 4UL), (3UL, 5UL)], ShardTransfer.Of(new ShardStanding(0, [1, 4, 5], [1, 2, 3], [], 2)).Select(each => (each.From, each.To)));
    }
}
