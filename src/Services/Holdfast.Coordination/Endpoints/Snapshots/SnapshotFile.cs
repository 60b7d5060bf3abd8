using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.History;
using Holdfast.Coordination.Protocol;
using Holdfast.Wire;

namespace Holdfast.Coordination.Endpoints.Snapshots;

/// <summary>
/// A member's keyspace as the file that etcd keeps it in, so that etcd's own tools read it and etcd can be restored from us: a bbolt file with the buckets
/// key, lease and meta, and those of members and users empty. It is drawn in two walks over one pinned moment, the first for sizes, and leaves in pieces:
/// memory is a few pages and a key for each page.
/// </summary>
internal sealed class SnapshotFile(HistoryWalk walk, ulong appliedIndex)
{
    private const int PieceBytes = 64 * 1024;
    private const long FreeListPage = 2;
    private const long RootPage = 3;
    private const long FirstTreePage = 4;

    private static readonly string[] EmptyBuckets = ["alarm", "auth", "authRoles", "authUsers", "cluster", "members", "members_removed"];

    private readonly BoltTree keys = new();
    private readonly BoltTree leases = new();
    private readonly BoltTree meta = new();

    /// <summary>Bytes of the whole file; known once planned.</summary>
    public long Length => (FirstTreePage + keys.Pages + leases.Pages + meta.Pages) * BoltPage.Bytes;

    /// <summary>The first walk.</summary>
    public async ValueTask PlanAsync(CancellationToken cancel)
    {
        var revision = new byte[RevisionBytes.LengthMax];
        while (await walk.NextAsync(cancel).ConfigureAwait(false) is { Count: > 0 } items)
            foreach (var item in items)
                keys.Plan(revision.AsSpan(0, RevisionBytes.Write(revision, item.Version)), RevisionBytes.Content(item).CalculateSize());
        walk.Restart();
        foreach (var (key, value) in LeasePairs()) leases.Plan(key, value.Length);
        foreach (var (key, value) in MetaPairs()) meta.Plan(key, value.Length);
        keys.EndPlan(FirstTreePage);
        leases.EndPlan(FirstTreePage + keys.Pages);
        meta.EndPlan(FirstTreePage + keys.Pages + leases.Pages);
    }

    /// <summary>The file in pieces, in order. Each is the reader's own.</summary>
    public async IAsyncEnumerable<ByteString> PiecesAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var output = new ByteBuffer(PieceBytes * 2);
        WriteHead(output);
        var revision = new byte[RevisionBytes.LengthMax];
        while (await walk.NextAsync(cancel).ConfigureAwait(false) is { Count: > 0 } items)
        {
            foreach (var item in items)
            {
                var length = RevisionBytes.Write(revision, item.Version);
                keys.Write(revision.AsSpan(0, length).ToArray(), RevisionBytes.Content(item).ToByteArray(), output);
                if (output.Length >= PieceBytes) yield return Take(output);
            }
        }

        keys.EndWrite(output);
        foreach (var (key, value) in LeasePairs())
        {
            leases.Write(key, value, output);
            if (output.Length >= PieceBytes) yield return Take(output);
        }

        leases.EndWrite(output);
        foreach (var (key, value) in MetaPairs()) meta.Write(key, value, output);
        meta.EndWrite(output);
        yield return Take(output);
    }

    private static ByteString Take(ByteBuffer output)
    {
        var piece = ByteString.CopyFrom(output.Written);
        output.Clear();
        return piece;
    }

    private void WriteHead(ByteBuffer output)
    {
        var pages = Length / BoltPage.Bytes;
        var head = output.GetSpan(3 * BoltPage.Bytes)[..(3 * BoltPage.Bytes)];
        head.Clear();
        BoltPage.WriteMeta(head, 0, 2, RootPage, FreeListPage, pages);
        BoltPage.WriteMeta(head[BoltPage.Bytes..], 1, 1, RootPage, FreeListPage, pages);
        BoltPage.WriteHeader(head[(2 * BoltPage.Bytes)..], FreeListPage, BoltPage.FreeList, 0, 1);
        output.Advance(head.Length);
        BoltLeaf.Write(RootPage, 1, Buckets(), isBuckets: true, output);
    }

    /// <summary>The root's entries. An empty bucket stands in its own entry: root page 0 and an empty leaf.</summary>
    private List<(byte[] Key, byte[] Value)> Buckets()
    {
        var buckets = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var name in EmptyBuckets)
        {
            var inline = new byte[BoltPage.BucketBytes + BoltPage.HeaderBytes];
            BoltPage.WriteHeader(inline.AsSpan(BoltPage.BucketBytes), 0, BoltPage.Leaf, 0, 1);
            buckets[name] = inline;
        }

        foreach (var (name, tree) in new[] { ("key", keys), ("lease", leases), ("meta", meta) })
        {
            var entry = new byte[BoltPage.BucketBytes];
            BinaryPrimitives.WriteInt64LittleEndian(entry, tree.Root);
            buckets[name] = entry;
        }

        return [.. buckets.Select(pair => (Encoding.ASCII.GetBytes(pair.Key), pair.Value))];
    }

    /// <summary>A lease as etcd stores it: under its id, the id and its seconds.</summary>
    private IEnumerable<(byte[] Key, byte[] Value)> LeasePairs()
    {
        foreach (var (id, grant) in walk.Leases)
        {
            var key = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(key, id);
            yield return (key, new StoredLease { ID = id, TTL = grant.Seconds }.ToByteArray());
        }
    }

    private IEnumerable<(byte[] Key, byte[] Value)> MetaPairs()
    {
        var index = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(index, appliedIndex);
        yield return ("consistent_index"u8.ToArray(), index);
        if (walk.Compacted > 0)
        {
            var revision = new byte[RevisionBytes.Length];
            RevisionBytes.Write(revision, walk.Compacted, 0);
            yield return ("finishedCompactRev"u8.ToArray(), revision);
            yield return ("scheduledCompactRev"u8.ToArray(), revision);
        }

        var term = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(term, walk.Term.Value);
        yield return ("term"u8.ToArray(), term);
    }
}
