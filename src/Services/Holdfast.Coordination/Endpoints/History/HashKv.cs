using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Wire;

namespace Holdfast.Coordination.Endpoints.History;

/// <summary>
/// etcd's HashKV: CRC-32C over the name of its bucket and every stored change up to a revision, in order. What lies at or below the compacted revision
/// counts only if a read at the asked revision still sees it, so that members which have come differently far with forgetting agree.
/// </summary>
internal static class HashKv
{
    /// <summary>Computes it on this member.</summary>
    public static async ValueTask<(HashKVResponse Response, Holdfast.Primitives.Term Term)> ComputeAsync(IKeyspaceGroup group, HashKVRequest request, CancellationToken cancel)
    {
        await using var walk = await HistoryWalk.BeginAsync(group, request.Revision, cancel).ConfigureAwait(false);
        var sum = new Sum();
        sum.Add("key"u8);
        var content = new ByteBuffer(1024);
        while (await walk.NextAsync(cancel).ConfigureAwait(false) is { Count: > 0 } items)
        {
            foreach (var item in items)
            {
                if (item.Version.Mod <= walk.Compacted && walk.HasKeys && !item.IsVisible) continue;
                Add(ref sum, item, content);
            }
        }

        return (new HashKVResponse
        {
            Header = new ResponseHeader { Revision = walk.CurrentRevision },
            Hash = sum.Value,
            CompactRevision = walk.Compacted,
            HashRevision = walk.Revision,
        }, walk.Term);
    }

    private static void Add(ref Sum sum, in HistoryItem item, ByteBuffer content)
    {
        Span<byte> revision = stackalloc byte[RevisionBytes.LengthMax];
        sum.Add(revision[..RevisionBytes.Write(revision, item.Version)]);
        content.Clear();
        RevisionBytes.Content(item).WriteTo(content);
        sum.Add(content.Written);
    }

    private struct Sum()
    {
        private uint crc = ~0u;

        public readonly uint Value => ~crc;

        public void Add(ReadOnlySpan<byte> data)
        {
            for (; data.Length >= 8; data = data[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            foreach (var one in data) crc = BitOperations.Crc32C(crc, one);
        }
    }
}
