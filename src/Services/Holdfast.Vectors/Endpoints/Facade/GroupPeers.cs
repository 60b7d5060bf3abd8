using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>The other replicas of a group, over the cluster's control lines. What is not answered is not told: whoever asked looks at the time.</summary>
/// <param name="group">The group.</param>
/// <param name="cluster">The cluster's node, once there is one.</param>
/// <param name="self">This node.</param>
internal sealed class GroupPeers(GroupId group, Func<ClusterNode?> cluster, Func<ulong> self) : IGraphPeers
{
    /// <summary>No call takes longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    public ulong Self => self();

    /// <inheritdoc/>
    public long Now => Environment.TickCount64;

    /// <inheritdoc/>
    public IReadOnlyList<ulong> Ranked()
    {
        if (cluster()?.FindGroup(group)?.Status.Configuration is not { } configuration) return [];
        var nodes = new List<ulong>();
        foreach (var member in configuration.Members)
            if (member.Role == MemberRole.Voter) nodes.Add(member.Node.Value);
        return BuildOrder.Of(group.Value, nodes);
    }

    /// <inheritdoc/>
    public void Ask(ulong node, GraphAsk ask, Action<GraphTold?> told, Action lost) => _ = AskAsync(node, GraphVerb.Encode(group, ask), reply => told(GraphVerb.DecodeTold(reply.Span)), lost);

    /// <inheritdoc/>
    public void Fetch(ulong node, FileHash file, long from, Action<ReadOnlyMemory<byte>> come, Action lost) => _ = AskAsync(node, GraphVerb.Piece(group, file, from), come, lost);

    private async Task AskAsync(ulong node, byte[] message, Action<ReadOnlyMemory<byte>> answered, Action lost)
    {
        await Task.Yield(); // Whoever asks has other things to do.
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            if (cluster() is { } here && await here.Lines.ReadAsync(new NodeId(node), ShardVerb.Number, message, patience.Token).ConfigureAwait(false) is { IsOk: true } reply)
            {
                answered(reply.Payload);
                return;
            }
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The node stops, or the other does.
        }

        lost();
    }
}
