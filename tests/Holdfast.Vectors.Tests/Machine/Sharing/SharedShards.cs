using Holdfast.Primitives;
using Holdfast.Replication.Tests;
using Holdfast.Storage;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Tests.Files;

namespace Holdfast.Vectors.Tests.Machine.Sharing;

/// <summary>Replicas of a shard with their files and their indexing, which know each other: messages take a moment, and time goes on by itself. Replica 0 is the first that is to build.</summary>
internal sealed class SharedShards
{
    private const ulong FirstNode = 10;

    private readonly Queue<(long At, Action What)> messages = new();
    private readonly List<ulong> ranked;
    private long now;

    public SharedShards(int replicas = 3, PlantedSharingBug bug = PlantedSharingBug.None, string vectors = """{"size":32,"distance":"Cosine"}""")
    {
        ranked = [.. Enumerable.Range(0, replicas).Select(number => FirstNode + (ulong)number)];
        Meters = [.. ranked.Select(_ => new GraphMeters())];
        Files = [.. ranked.Select(_ => new SnapshotStore(new MemoryDisk(), new ClusterId(7)).FilesOf(new GroupId(9)))];
        All = [.. Enumerable.Range(0, replicas).Select(number => new FiledShard(Files[number], vectors, 1 << 15, peers: new Peers(this, ranked[number]), parts: new SharingParts { Meters = Meters[number], Bug = bug, Options = new BuildTurnOptions { AskRowsMin = 200 } }))];
    }

    public FiledShard[] All { get; }

    public GraphMeters[] Meters { get; }

    public StateFiles[] Files { get; }

    /// <summary>Replicas that answer nobody, and do nothing.</summary>
    public HashSet<int> Dead { get; } = [];

    /// <summary>What a replica has in place of a file, if anything.</summary>
    public Func<int, FileHash, byte[]?>? Content { get; set; }

    /// <summary>What a replica tells in place of the truth.</summary>
    public Func<int, GraphAsk, GraphTold?>? Tells { get; set; }

    /// <summary>All get the same log, a batch at a time, and work in between.</summary>
    public void Upsert(ulong from, int count, int stepsBetween = 0)
    {
        for (var done = 0; done < count; done += 500)
        {
            // Points are drawn at random: one draws, and the others write the same.
            All[0].Upsert(from + (ulong)done, Math.Min(500, count - done));
            foreach (var other in All.Skip(1)) other.UpsertAs(All[0], from + (ulong)done, Math.Min(500, count - done));
            Steps(stepsBetween);
        }
    }

    /// <summary>So many turns.</summary>
    public void Steps(int count)
    {
        for (; count > 0; count--) Turn();
    }

    /// <summary>Until nobody has anything to do, and nobody waits.</summary>
    public void UntilIdle()
    {
        for (var turns = 0; Turn(); turns++) Assert.True(turns < 200_000, "indexing comes to no end");
    }

    private bool Turn()
    {
        now += 10;
        while (messages.TryPeek(out var next) && next.At <= now)
        {
            messages.Dequeue();
            next.What();
        }

        var goesOn = messages.Count > 0;
        for (var number = 0; number < All.Length; number++)
            if (!Dead.Contains(number)) goesOn |= All[number].Step() || All[number].IsWaiting;
        return goesOn;
    }

    private void Send(Action what) => messages.Enqueue((now + 20, what));

    private sealed class Peers(SharedShards shards, ulong self) : IGraphPeers
    {
        public ulong Self => self;

        public long Now => shards.now;

        public IReadOnlyList<ulong> Ranked() => shards.ranked;

        public void Ask(ulong node, GraphAsk ask, Action<GraphTold?> told, Action lost) => shards.Send(() =>
        {
            var asked = (int)(node - FirstNode);
            if (shards.Dead.Contains(asked))
            {
                lost();
                return;
            }

            var answer = shards.Tells?.Invoke(asked, ask) ?? shards.All[asked].Tell(ask);
            shards.Send(() => told(answer));
        });

        public void Fetch(ulong node, FileHash file, long from, Action<ReadOnlyMemory<byte>> come, Action lost) => shards.Send(() =>
        {
            var asked = (int)(node - FirstNode);
            if (shards.Dead.Contains(asked))
            {
                lost();
                return;
            }

            ReadOnlyMemory<byte> piece = shards.Content?.Invoke(asked, file) is { } content
                ? content.AsMemory((int)Math.Min(from, content.Length), (int)Math.Clamp(content.Length - from, 0, GraphShelf.PieceBytes))
                : GraphShelf.PieceOf(shards.All[asked].Machine, file, from);
            shards.Send(() => come(piece));
        });
    }
}
