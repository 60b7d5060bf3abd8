using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Cluster.Tests;

/// <summary>Nodes and a directory to play with.</summary>
internal static class Cast
{
    public static MemberRecord Node(ulong id, string? name = null, string zone = "", uint levelMax = 1) => new()
    {
        Node = new NodeId(id),
        Name = name ?? $"n{id}",
        Host = "127.0.0.1",
        Port = (int)(7000 + id),
        Zone = zone,
        Roles = NodeRoles.Coordination | NodeRoles.Keyspace,
        FeatureLevelMax = levelMax,
        ClientUrls = [$"http://127.0.0.1:{2379 + id}"],
    };

    public static Genesis GenesisOf(params ulong[] ids) => new()
    {
        Cluster = new ClusterId(0xC1),
        Founder = new NodeId(ids[0]),
        Members = [.. ids.Select(id => Node(id))],
        AuthorityFingerprint = "ab",
    };

    public static DirectoryReply Tell(this DirectoryState directory, byte[] command, long timeMicros = 1_000_000, uint level = 1)
    {
        var entry = new CommittedEntry
        {
            Position = new LogPosition(new Term(1), new LogIndex(directory.View.Revision + 1)),
            TimeMicros = timeMicros,
            FeatureLevel = level,
            Command = command,
            ReplyWanted = true,
        };
        var result = directory.Apply(entry);
        Assert.True(result.IsDone);
        return Assert.IsType<DirectoryReply>(result.Reply);
    }

    public static DirectoryState Founded(params ulong[] ids)
    {
        var directory = new DirectoryState();
        Assert.True(directory.Tell(DirectoryCommand.Found(GenesisOf(ids))).Accepted);
        return directory;
    }
}
