using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Machine.Sharing;

namespace Holdfast.Vectors.Tests.World;

/// <summary>What the replicas of a shard tell each other of their graphs: late, in another order, or never.</summary>
internal sealed class ShardNetwork(SeededRandom dice, bool isWhole)
{
    private readonly List<(long At, Action What)> messages = [];

    public long Now { get; private set; }

    /// <summary>The replicas, in the order in which they are to build.</summary>
    public List<ShardReplica> Replicas { get; } = [];

    /// <summary>Time goes on.</summary>
    public void Pass(long milliseconds)
    {
        Now += milliseconds;
        for (var at = 0; at < messages.Count;)
        {
            if (messages[at].At > Now)
            {
                at++;
                continue;
            }

            var what = messages[at].What;
            messages.RemoveAt(at);
            what();
        }
    }

    /// <summary>The others of a replica; null where it knows none.</summary>
    public IGraphPeers? Of(ShardReplica replica) => isWhole ? new Peers(this, replica) : null;

    private void Send(Action what)
    {
        if (!dice.Chance(0.1)) messages.Add((Now + dice.Next(1, dice.Chance(0.1) ? 5000 : 200), what));
    }

    private sealed class Peers(ShardNetwork network, ShardReplica self) : IGraphPeers
    {
        public ulong Self => (ulong)network.Replicas.IndexOf(self);

        public long Now => network.Now;

        public IReadOnlyList<ulong> Ranked() => [.. Enumerable.Range(0, network.Replicas.Count).Select(number => (ulong)number)];

        public void Ask(ulong node, GraphAsk ask, Action<GraphTold?> told, Action lost) => network.Send(() =>
        {
            var answer = network.Replicas[(int)node].Tell(ask);
            network.Send(() => told(answer));
        });

        public void Fetch(ulong node, FileHash file, long from, Action<ReadOnlyMemory<byte>> come, Action lost) => network.Send(() =>
        {
            var piece = network.Replicas[(int)node].PieceOf(file, from);
            network.Send(() => come(piece));
        });
    }
}
