namespace Holdfast.Keyspace;

/// <summary>What a key holds. The numbers stand in snapshots and never change.</summary>
internal enum ValueKind : byte
{
    None = 0,
    String = 1,
    List = 2,
    Set = 3,
    SortedSet = 4,
    Hash = 5,
    Stream = 6,
}

/// <summary>How a value is laid out, with Redis's names for it (OBJECT ENCODING). The numbers stand in snapshots and never change.</summary>
internal enum ValueEncoding : byte
{
    /// <summary>Bytes that were changed in place, or more than 44 of them.</summary>
    Raw = 0,

    /// <summary>A whole number, kept as its digits.</summary>
    Int = 1,

    /// <summary>At most 44 bytes, as they were set.</summary>
    EmbeddedString = 2,

    /// <summary>A small collection as one run of bytes.</summary>
    Listpack = 3,

    /// <summary>A small set of whole numbers, sorted.</summary>
    IntSet = 4,

    /// <summary>A large hash or set.</summary>
    HashTable = 5,

    /// <summary>A large list.</summary>
    Quicklist = 6,

    /// <summary>A large sorted set.</summary>
    SkipList = 7,

    /// <summary>A stream.</summary>
    Stream = 8,

    /// <summary>None yet: a collection that is being made.</summary>
    None = 255,
}

internal static class ValueNames
{
    /// <summary>What TYPE says.</summary>
    public static ReadOnlySpan<byte> NameOf(ValueKind kind) => kind switch
    {
        ValueKind.String => "string"u8,
        ValueKind.List => "list"u8,
        ValueKind.Set => "set"u8,
        ValueKind.SortedSet => "zset"u8,
        ValueKind.Hash => "hash"u8,
        ValueKind.Stream => "stream"u8,
        _ => "none"u8,
    };

    /// <summary>What OBJECT ENCODING says.</summary>
    public static ReadOnlySpan<byte> NameOf(ValueEncoding encoding) => encoding switch
    {
        ValueEncoding.Int => "int"u8,
        ValueEncoding.EmbeddedString => "embstr"u8,
        ValueEncoding.Listpack => "listpack"u8,
        ValueEncoding.IntSet => "intset"u8,
        ValueEncoding.HashTable => "hashtable"u8,
        ValueEncoding.Quicklist => "quicklist"u8,
        ValueEncoding.SkipList => "skiplist"u8,
        ValueEncoding.Stream => "stream"u8,
        _ => "raw"u8,
    };
}
