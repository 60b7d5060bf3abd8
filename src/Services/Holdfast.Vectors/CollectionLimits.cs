namespace Holdfast.Vectors;

/// <summary>The bounds of a collection; each is refused with the protocol's own error.</summary>
internal static class CollectionLimits
{
    /// <summary>Named vectors of a collection: a row has a bit for each.</summary>
    public const int ColumnsMax = 64;

    /// <summary>Bytes of a collection's name in UTF-8. Qdrant's bound.</summary>
    public const int NameBytesMax = 255;

    /// <summary>Bytes of one request. Qdrant's default.</summary>
    public const int RequestBytesMax = 32 * 1024 * 1024;

    /// <summary>Points of one command: a batch that is larger goes as several.</summary>
    public const int PointsPerCommandMax = 4096;

    /// <summary>Address space that one column of a segment may reserve; pages are taken only where rows are written.</summary>
    public const long SegmentBytesMax = 4L << 30;

    /// <summary>Rows of a segment.</summary>
    public const int SegmentRowsMax = 1 << 20;

    /// <summary>Shards of a collection.</summary>
    public const int ShardsMax = 128;

    /// <summary>Rows of a segment whose columns have these lengths.</summary>
    public static int RowsOf(IEnumerable<int> rowBytes) => (int)Math.Clamp(SegmentBytesMax / Math.Max(1, rowBytes.DefaultIfEmpty(64).Max()), 4096, SegmentRowsMax);
}
