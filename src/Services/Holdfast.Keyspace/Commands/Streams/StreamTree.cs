namespace Holdfast.Keyspace;

/// <summary>Redis keeps a stream's nodes in a radix tree, and tools show how many nodes that has: counted here as it would be over the same keys.</summary>
internal static class StreamTree
{
    public static int NodesOf(StreamValue stream)
    {
        if (stream.Nodes == 0) return 1;
        var keys = new byte[stream.Nodes * StreamId.Bytes];
        for (var i = 0; i < stream.Nodes; i++) stream.MasterOf(i).Write(keys.AsSpan(i * StreamId.Bytes));
        return Count(keys, 0);
    }

    /// <summary>The keys are sorted and share their first bytes: a run of shared bytes is one node, then one for each branch, and one where a key ends.</summary>
    private static int Count(ReadOnlySpan<byte> keys, int depth)
    {
        var count = keys.Length / StreamId.Bytes;
        if (count == 1) return depth == StreamId.Bytes ? 1 : 2;
        var shared = depth;
        var first = keys[..StreamId.Bytes];
        var last = keys[^StreamId.Bytes..];
        while (first[shared] == last[shared]) shared++;
        var nodes = (shared > depth ? 1 : 0) + 1;
        for (var from = 0; from < count;)
        {
            var to = from + 1;
            while (to < count && keys[(to * StreamId.Bytes) + shared] == keys[(from * StreamId.Bytes) + shared]) to++;
            nodes += Count(keys[(from * StreamId.Bytes)..(to * StreamId.Bytes)], shared + 1);
            from = to;
        }

        return nodes;
    }
}
