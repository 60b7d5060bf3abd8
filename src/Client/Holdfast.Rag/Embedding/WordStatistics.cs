using System.Buffers.Binary;

namespace Holdfast.Rag.Embedding;

/// <summary>In how many chunks words occur, by hash: what makes a rare word weigh more in a question than a common one. Kept in the collection beside the chunks; adding and removing the same text leaves it as it was.</summary>
public sealed class WordStatistics
{
    private const int Buckets = 1 << 14;
    private const int FormatVersion = 1;

    private readonly int[] chunks = new int[Buckets];

    /// <summary>Chunks that were counted.</summary>
    public int Chunks { get; private set; }

    /// <summary>Counts a chunk's words.</summary>
    public void Add(string text) => Count(text, 1);

    /// <summary>Takes a chunk's words away again.</summary>
    public void Remove(string text) => Count(text, -1);

    /// <summary>A word's weight, from about 0.1 (in every chunk) upward; 1 for all words where nothing was counted.</summary>
    public float WeightOf(string word)
    {
        if (Chunks == 0) return 1;
        var within = Math.Min(chunks[BucketOf(word)], Chunks);
        return (float)Math.Log(1.1 + ((Chunks - within + 0.5) / (within + 0.5)));
    }

    /// <summary>As bytes, to be kept.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[8 + (Buckets * 4)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, FormatVersion);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), Chunks);
        for (var i = 0; i < Buckets; i++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8 + (i * 4)), chunks[i]);
        return bytes;
    }

    /// <summary>From kept bytes; empty where they are of another format: weights are then all alike, and grow again.</summary>
    public static WordStatistics Decode(ReadOnlySpan<byte> bytes)
    {
        var statistics = new WordStatistics();
        if (bytes.Length != 8 + (Buckets * 4) || BinaryPrimitives.ReadInt32LittleEndian(bytes) != FormatVersion) return statistics;
        statistics.Chunks = Math.Max(0, BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
        for (var i = 0; i < Buckets; i++) statistics.chunks[i] = Math.Max(0, BinaryPrimitives.ReadInt32LittleEndian(bytes[(8 + (i * 4))..]));
        return statistics;
    }

    private static int BucketOf(string word) => (int)(StableHash.Of(word) % Buckets);

    private void Count(string text, int by)
    {
        foreach (var bucket in Words.Of(text).Select(BucketOf).Distinct()) chunks[bucket] = Math.Max(0, chunks[bucket] + by);
        Chunks = Math.Max(0, Chunks + by);
    }
}
