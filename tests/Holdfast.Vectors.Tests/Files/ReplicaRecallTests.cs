using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Tests.Graphs;

namespace Holdfast.Vectors.Tests.Files;

/// <summary>
/// Three replicas of one log, each with a life of its own, against brute force: one was never disturbed, one was killed and began again from its snapshot, one is optimised only at the end. Each finds what there
/// is, and by looking at no more than one row in twenty.
/// </summary>
public sealed class ReplicaRecallTests : IDisposable
{
    private const int Rows = 40_000;
    private const int Queries = 40;
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-recall-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Every_replica_finds_what_brute_force_finds_after_deletes_kill_restore_and_optimisation()
    {
        FiledShard[] replicas = [.. Enumerable.Range(0, 3).Select(number => new FiledShard(Files(number), rowsMax: 1 << 16))];
        for (var from = 0; from < Rows; from += 1000)
        {
            foreach (var replica in replicas) replica.Upsert((ulong)from, 1000);
            if (from % 5000 == 0) replicas[0].UntilIdle();
        }

        ulong[] gone = [.. Enumerable.Range(0, Rows).Where(id => id % 9 == 0).Select(id => (ulong)id)];
        foreach (var replica in replicas) replica.Delete(gone);
        replicas[1].UntilIdle();
        replicas[1] = replicas[1].Restarted(Files(1), replicas[1].Snapshot(out _), 1 << 16);
        foreach (var replica in replicas) replica.UntilIdle();
        Assert.Single(replicas.Select(replica => replica.Machine.StateHash).Distinct());

        var expected = replicas[0].Expected;
        var ids = expected.Keys.ToArray();
        var vectors = ids.Select(id => expected[id].Vector).ToArray();
        var hits = new int[replicas.Length];
        for (var query = 0; query < Queries; query++)
        {
            var wanted = replicas[0].Next();
            var truth = Clusters.Closest(vectors, wanted, 10, Clusters.Cosine).Select(at => ids[at]).ToHashSet();
            for (var at = 0; at < replicas.Length; at++)
            {
                var traces = new List<SegmentTrace>();
                hits[at] += replicas[at].Nearest(wanted, 10, traces).Count(row => truth.Contains(row.Id.Number));
                Assert.All(traces, trace => Assert.Equal("graph", trace.Strategy));
                Assert.True(traces.Sum(trace => trace.Visited) <= expected.Count / 20, $"replica {at} looked at {traces.Sum(trace => trace.Visited)} of {expected.Count} rows");
            }
        }

        for (var at = 0; at < replicas.Length; at++) Assert.True(hits[at] >= 0.95 * 10 * Queries, $"replica {at} found {hits[at]} of {10 * Queries}");
    }

    private StateFiles Files(int replica) => new SnapshotStore(new DirectoryDisk(Directory.CreateDirectory(Path.Combine(folder, $"{replica}")).FullName), new ClusterId(7)).FilesOf(new GroupId(9));
}
