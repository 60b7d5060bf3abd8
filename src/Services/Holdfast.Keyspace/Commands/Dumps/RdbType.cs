namespace Holdfast.Keyspace;

/// <summary>How a value is laid out in an RDB payload; the numbers are Redis's (rdb.h).</summary>
internal enum RdbType : byte
{
    String = 0,
    List = 1,
    Set = 2,
    SortedSetText = 3,
    Hash = 4,
    SortedSet = 5,
    ListZiplist = 10,
    IntSet = 11,
    SortedSetZiplist = 12,
    HashZiplist = 13,
    QuicklistOfZiplists = 14,
    StreamFirst = 15,
    HashListpack = 16,
    SortedSetListpack = 17,
    Quicklist = 18,
    StreamSecond = 19,
    SetListpack = 20,
    StreamThird = 21,

    /// <summary>A hash of which fields expire (Redis 7.4).</summary>
    HashDated = 24,
    HashListpackDated = 25,
}
