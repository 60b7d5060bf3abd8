using System.Buffers.Binary;

namespace Holdfast.Coordination.Endpoints.Snapshots;

/// <summary>Pages of bbolt's file format, version 2 (go.etcd.io/bbolt, page.go and db.go): what a header, a meta page and an element of a page look like.</summary>
internal static class BoltPage
{
    /// <summary>Bytes of a page; larger ones take several, all but the first counted as overflow.</summary>
    public const int Bytes = 4096;

    /// <summary>Bytes of a page's header.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes of an element's entry, in a leaf and in a branch.</summary>
    public const int ElementBytes = 16;

    /// <summary>Bytes of a bucket's entry: its root page and its sequence.</summary>
    public const int BucketBytes = 16;

    /// <summary>A page of children.</summary>
    public const ushort Branch = 0x01;

    /// <summary>A page of keys and values.</summary>
    public const ushort Leaf = 0x02;

    /// <summary>A list of free pages.</summary>
    public const ushort FreeList = 0x10;

    private const ushort Meta = 0x04;
    private const uint Magic = 0xED0CDAED;
    private const uint Version = 2;
    private const int MetaSumAt = 56;

    /// <summary>How many pages so many bytes take.</summary>
    public static long PagesFor(long bytes) => (bytes + Bytes - 1) / Bytes;

    /// <summary>Writes a header.</summary>
    public static void WriteHeader(Span<byte> page, long id, ushort flags, int count, long pages)
    {
        BinaryPrimitives.WriteInt64LittleEndian(page, id);
        BinaryPrimitives.WriteUInt16LittleEndian(page[8..], flags);
        BinaryPrimitives.WriteUInt16LittleEndian(page[10..], checked((ushort)count));
        BinaryPrimitives.WriteUInt32LittleEndian(page[12..], checked((uint)(pages - 1)));
    }

    /// <summary>Writes one of the two meta pages; that with the larger transaction is in force, and its number's parity is the page's.</summary>
    public static void WriteMeta(Span<byte> page, long id, long transaction, long root, long freeList, long pagesInFile)
    {
        WriteHeader(page, id, Meta, 0, 1);
        var meta = page[HeaderBytes..];
        BinaryPrimitives.WriteUInt32LittleEndian(meta, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(meta[4..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(meta[8..], Bytes);
        BinaryPrimitives.WriteInt64LittleEndian(meta[16..], root);
        BinaryPrimitives.WriteInt64LittleEndian(meta[32..], freeList);
        BinaryPrimitives.WriteInt64LittleEndian(meta[40..], pagesInFile);
        BinaryPrimitives.WriteInt64LittleEndian(meta[48..], transaction);
        BinaryPrimitives.WriteUInt64LittleEndian(meta[MetaSumAt..], Fnv1a(meta[..MetaSumAt]));
    }

    /// <summary>Writes a leaf's entry: where key and value stand, counted from the entry itself.</summary>
    public static void WriteLeafElement(Span<byte> element, bool isBucket, int offset, int keyBytes, int valueBytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(element, isBucket ? 1u : 0);
        BinaryPrimitives.WriteInt32LittleEndian(element[4..], offset);
        BinaryPrimitives.WriteInt32LittleEndian(element[8..], keyBytes);
        BinaryPrimitives.WriteInt32LittleEndian(element[12..], valueBytes);
    }

    /// <summary>Writes a branch's entry: where the key stands, and the child.</summary>
    public static void WriteBranchElement(Span<byte> element, int offset, int keyBytes, long child)
    {
        BinaryPrimitives.WriteInt32LittleEndian(element, offset);
        BinaryPrimitives.WriteInt32LittleEndian(element[4..], keyBytes);
        BinaryPrimitives.WriteInt64LittleEndian(element[8..], child);
    }

    private static ulong Fnv1a(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var one in bytes) hash = (hash ^ one) * 1099511628211UL;
        return hash;
    }
}
