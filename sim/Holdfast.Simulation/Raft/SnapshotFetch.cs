using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Disk;

namespace Holdfast.Simulation.Raft;

/// <summary>Pulls a snapshot, chunk by chunk, from whoever has one that is new enough, and goes on where it stopped when a source falls silent.</summary>
internal sealed class SnapshotFetch(RaftWorld world, RaftSite site, RaftProcess process)
{
    private const int Chunks = 3;

    private static readonly Mark Resumed = new("sim: snapshot fetch resumed after silence");
    private static readonly Mark FromFollower = new("sim: snapshot fed by a follower");

    private readonly SeededRandom dice = new(site.Node.Value * 77 ^ world.Options.Seed);
    private LogIndex wanted;
    private NodeId source;
    private LogPosition content;
    private int next;
    private int attempt;
    private bool isWriting;

    public void Want(NodeId from, OfferSnapshot offer)
    {
        if (isWriting || (wanted != LogIndex.Zero && next > 0)) return;
        wanted = offer.Position.Index;
        source = from;
        Ask();
    }

    public void OnPull(NodeId from, SnapshotPull pull)
    {
        if (site.Device.Durable.Snapshot is not { } snapshot || snapshot.Position.Index < pull.AtLeast) return;
        var isForWitness = process.Core.Configuration.IsWitness(from);
        if (!snapshot.HasState && !isForWitness) return;
        if (process.Core.Role != RaftRole.Leader) FromFollower.Hit();
        var chunk = snapshot.Position == pull.Resume ? pull.Chunk : 0;
        process.Send(from, new SnapshotChunk(snapshot, chunk, Chunks));
    }

    public void OnChunk(NodeId from, SnapshotChunk chunk)
    {
        if (wanted == LogIndex.Zero || isWriting || chunk.Content.Position.Index < wanted) return;
        if (chunk.Content.Position != content && next > 0 && chunk.Chunk != 0) return;
        if (chunk.Content.Position != content) (content, next) = (chunk.Content.Position, 0);
        if (chunk.Chunk != next) return;
        source = from;
        next++;
        if (next < chunk.Chunks)
        {
            Ask();
            return;
        }

        isWriting = true;
        var fetched = chunk.Content;
        if (site.IsWitness) fetched = fetched with { HasState = false };
        site.Device.Write(new LogRecord.Snapshot(fetched));
        AwaitDurable(fetched);
    }

    private void AwaitDurable(StoredSnapshot fetched) => process.After(TimeSpan.FromMilliseconds(1), () =>
    {
        if (site.Device.Durable.Snapshot is not { } stored || stored.Position.Index < fetched.Position.Index)
        {
            AwaitDurable(fetched);
            return;
        }

        (isWriting, wanted, next, content) = (false, LogIndex.Zero, 0, LogPosition.Zero);
        process.Installed(fetched);
    });

    private void Ask()
    {
        var mine = ++attempt;
        process.Send(source, new SnapshotPull(wanted, next, content));
        process.After(TimeSpan.FromMilliseconds(120), () =>
        {
            if (mine != attempt || wanted == LogIndex.Zero || isWriting) return;
            if (next > 0) Resumed.Hit();
            // Silence: another replica may have it, or the same one may have lost the question.
            source = dice.Chance(0.5) && process.Core.Leader != NodeId.None ? process.Core.Leader : world.Sites[dice.Next(world.Sites.Count)].Node;
            Ask();
        });
    }
}
