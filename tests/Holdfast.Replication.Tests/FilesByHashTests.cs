using System.Buffers;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication.Tests;

/// <summary>A machine whose snapshot is a list of names: its values are immutable files by hash, which successive snapshots share (S10).</summary>
public sealed class FilesByHashTests
{
    [Fact]
    public void A_joiner_fetches_the_files_that_it_lacks_and_no_others()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000 }, machineOf: _ => new FilesMachine());
        cluster.UntilLed();
        var away = cluster.Follower;
        for (var i = 0; i < 40; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={new string('v', 100)}{i}").IsApplied);
        cluster.Until(() => cluster.Nodes.All(node => node.Group.Status.Snapshot.Index.Value > 20), "snapshots");
        cluster.UntilEqual();
        away.Kill();

        for (var i = 30; i < 60; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={new string('w', 100)}{i}").IsApplied);
        cluster.Until(() => cluster.Leader.Group.Status.Snapshot.Index.Value > 55, "a newer snapshot at the leader");
        var shared = Hits("storage: a state file of a fetched snapshot was here already");
        away.Start();
        cluster.UntilEqual();
        Assert.Equal(cluster.Leader.Machine.Map, away.Machine.Map);
        Assert.True(Hits("storage: a state file of a fetched snapshot was here already") >= shared + 20);

        // Restored from disk, it reads its files; and what was overwritten is gone once the snapshots that named it are.
        away.Kill();
        away.Start();
        cluster.UntilEqual();
        Assert.Equal(cluster.Leader.Machine.Map, away.Machine.Map);
        for (var i = 0; i < 60; i++) Assert.True(cluster.Apply(cluster.Leader, "k0=" + new string('z', 100) + i).IsApplied);
        foreach (var node in cluster.Nodes) node.Group.TakeSnapshot();
        cluster.Until(() => cluster.Nodes.All(node => node.Disk.List("snapshots/1/files").Count(name => !name.Contains('.')) <= 60), "the sweep of what nothing names");
    }

    /// <summary>The machine reads a file when it needs it, perhaps when nobody else has it any more: rot must be found while somebody has.</summary>
    [Fact]
    public void Rot_in_a_state_file_is_found_when_a_node_restores_its_own_snapshot_and_mended_from_another_S10()
    {
        var cluster = Filed(3);
        var (leader, rotten) = (cluster.Leader, cluster.Follower);
        rotten.Kill();
        var name = rotten.Disk.List("snapshots/1/files").First(name => !name.Contains('.'));
        Assert.Equal(1, rotten.Disk.Rot(name, 50));
        var found = Hits("replication: state file damaged, found when its snapshot was restored");
        rotten.Start();
        cluster.Until(() => rotten.Group.Restored.IsCompleted, "a state from another replica");
        cluster.UntilEqual();
        Assert.Equal(leader.Machine.Map, rotten.Machine.Map);
        Assert.Equal(found + 1, Hits("replication: state file damaged, found when its snapshot was restored"));

        // The file itself is whole again: the next restart needs nobody.
        rotten.Kill();
        cluster.Isolate(rotten);
        rotten.Start();
        cluster.Until(() => rotten.Group.Restored.IsCompleted, "a state from its own disk");
        Assert.Equal(leader.Machine.Map, rotten.Machine.Map);
    }

    [Fact]
    public void A_sole_replica_with_a_rotten_state_file_says_so_S10()
    {
        var cluster = Filed(1);
        var node = cluster.Leader;
        node.Kill();
        node.Disk.Rot(node.Disk.List("snapshots/1/files").First(name => !name.Contains('.')), 50);
        node.Start();
        cluster.Until(() => node.Group.Restored.IsFaulted, "the fault");
        Assert.IsType<SnapshotDamagedException>(node.Group.Restored.Exception!.InnerException);
    }

    /// <summary>What a file held may be made again, such as an index: then a sole replica goes on without it, rotten or missing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_machine_that_can_make_a_files_content_again_goes_on_without_it_S10(bool isMissing)
    {
        var cluster = Filed(1, makesAgain: true);
        var node = cluster.Leader;
        node.Kill();
        var name = node.Disk.List("snapshots/1/files").First(name => !name.Contains('.'));
        if (isMissing) node.Disk.Delete("snapshots/1/files/" + name);
        else node.Disk.Rot(name, 50);
        node.Start();
        cluster.Until(() => node.Group.Restored.IsCompleted, "the state");
        cluster.UntilLed();
        Assert.Single(node.Machine.Map.Values, value => value == "made again");
    }

    /// <summary>Values that are not written again once the snapshot names their files.</summary>
    private static TestCluster Filed(int nodes, bool makesAgain = false)
    {
        var cluster = new TestCluster(nodes, new GroupOptions { SnapshotLogBytes = 2000 }, machineOf: _ => new FilesMachine(makesAgain));
        cluster.UntilLed();
        for (var i = 0; i < 40; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={new string('v', 100)}{i}").IsApplied);
        foreach (var node in cluster.Nodes) node.Group.TakeSnapshot();
        cluster.Until(() => cluster.Nodes.All(node => node.Group.Status.Snapshot.Index.Value >= 40), "snapshots of everything");
        cluster.UntilEqual();
        return cluster;
    }

    private static long Hits(string name) => Mark.All().SingleOrDefault(mark => mark.Name == name)?.Hits ?? 0;

    /// <summary>Blocks on its (memory) disk when it applies; a real one writes in its Machine/ job and seals before it proposes.</summary>
    private sealed class FilesMachine(bool makesAgain = false) : ToyMachine, IFilesMachine
    {
        private readonly SortedDictionary<string, FileHash> files = new(StringComparer.Ordinal);

        public StateFiles? Files { get; set; }

        public override ApplyResult Apply(in CommittedEntry entry)
        {
            var result = base.Apply(entry);
            var text = Encoding.UTF8.GetString(entry.Command);
            var key = text[..text.IndexOf('=', StringComparison.Ordinal)];
            using var writer = Files!.Begin();
            writer.Append(Encoding.UTF8.GetBytes(Map[key]));
            if (files.TryGetValue(key, out var before)) Files.Release(before);
            files[key] = writer.Seal();
            return result;
        }

        public override ISnapshotView CaptureSnapshot() => new View(Files!, files, StateHash);

        public override ISnapshotBuilder BeginRestore() => new Builder(this, makesAgain);

        private sealed class View : ISnapshotView
        {
            private readonly StateFiles store;
            private readonly string text;

            public View(StateFiles store, SortedDictionary<string, FileHash> files, ulong hash)
            {
                this.store = store;
                text = string.Join('\n', files.Select(file => $"{file.Key} {file.Value}").Prepend(hash.ToString(System.Globalization.CultureInfo.InvariantCulture)));
                Files = [.. files.Values.Distinct()];
                foreach (var file in Files) store.Hold(file);
            }

            public IReadOnlyList<FileHash> Files { get; }

            public bool WriteNext(IBufferWriter<byte> chunk)
            {
                chunk.Write(Encoding.UTF8.GetBytes(text));
                return false;
            }

            public void Dispose()
            {
                foreach (var file in Files) store.Release(file);
            }
        }

        private sealed class Builder(FilesMachine owner, bool makesAgain) : ISnapshotBuilder
        {
            private readonly HashSet<FileHash> lost = [];
            private readonly SortedDictionary<string, FileHash> files = new(StringComparer.Ordinal);
            private readonly SortedDictionary<string, string> map = new(StringComparer.Ordinal);
            private ulong hash;
            private bool isComplete;

            public bool GoesOnWithout(FileHash file) => makesAgain && (lost.Add(file) || true);

            public void ReadNext(ReadOnlySpan<byte> chunk)
            {
                var lines = Encoding.UTF8.GetString(chunk).Split('\n');
                hash = ulong.Parse(lines[0], System.Globalization.CultureInfo.InvariantCulture);
                foreach (var line in lines.Skip(1))
                {
                    var words = line.Split(' ');
                    var name = new FileHash(Convert.FromHexString(words[1]));
                    if (lost.Contains(name))
                    {
                        map[words[0]] = "made again";
                        continue;
                    }

                    using var file = owner.Files!.Open(name);
                    var content = new byte[file.Length];
                    file.Read(0, content);
                    owner.Files.Hold(name);
                    (files[words[0]], map[words[0]]) = (name, Encoding.UTF8.GetString(content));
                }
            }

            public void Complete()
            {
                isComplete = true;
                foreach (var file in owner.files.Values) owner.Files!.Release(file);
                owner.files.Clear();
                foreach (var (key, name) in files) owner.files[key] = name;
                owner.Replace(map, hash);
            }

            public void Dispose()
            {
                if (isComplete) return;
                foreach (var file in files.Values) owner.Files!.Release(file);
            }
        }
    }
}

/// <summary>A machine that is to be given the state files of its group.</summary>
internal interface IFilesMachine
{
    StateFiles? Files { get; set; }
}
