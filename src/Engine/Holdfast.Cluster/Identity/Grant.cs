namespace Holdfast.Cluster;

/// <summary>A protocol front door, as grants name it. Part of the format: never renumber.</summary>
public enum Face : byte
{
    /// <summary>The cluster itself: members, backups, settings.</summary>
    Cluster = 0,

    /// <summary>The etcd face.</summary>
    Coordination = 1,

    /// <summary>The Redis face.</summary>
    Keyspace = 2,

    /// <summary>The vector face.</summary>
    Vectors = 3,

    /// <summary>The PostgreSQL face.</summary>
    Postgres = 4,

    /// <summary>The inference face.</summary>
    Inference = 5,
}

/// <summary>What a grant lets its holder do.</summary>
[Flags]
public enum Access : byte
{
    /// <summary>Nothing: a place holder, never stored.</summary>
    None = 0,

    /// <summary>See.</summary>
    Read = 1,

    /// <summary>Change.</summary>
    Write = 2,
}

/// <summary>How a grant names resources.</summary>
public enum ScopeKind : byte
{
    /// <summary>A range of byte keys in etcd's notation: no end means the start alone, an end of one zero byte means from the start on.</summary>
    KeyRange = 1,

    /// <summary>A glob pattern over keys or channels, as Redis writes it.</summary>
    Pattern = 2,

    /// <summary>A name: a collection, a database, a model. An empty one means all of them.</summary>
    Name = 3,
}

/// <summary>Permission on some resources of one face. The bytes are kept as they were given, because a protocol shows them again and finds a grant by them.</summary>
public sealed record Grant
{
    /// <summary>Bytes of a key or pattern.</summary>
    public const int ScopeBytesMax = 64 * 1024;

    /// <summary>Which face it is about.</summary>
    public required Face Face { get; init; }

    /// <summary>What it lets its holder do.</summary>
    public required Access Access { get; init; }

    /// <summary>How the resources are named.</summary>
    public required ScopeKind Kind { get; init; }

    /// <summary>The first key, the pattern or the name.</summary>
    public required byte[] Start { get; init; }

    /// <summary>Where a range of keys ends; empty otherwise.</summary>
    public byte[] End { get; init; } = [];

    /// <summary>What only the face understands, such as Redis's command categories or a payload filter; empty for none.</summary>
    public string Detail { get; init; } = "";

    /// <summary>Whether both are about the very same resources, whatever they allow.</summary>
    public bool HasScopeOf(Grant other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Face == other.Face && Kind == other.Kind && Start.AsSpan().SequenceEqual(other.Start) && End.AsSpan().SequenceEqual(other.End);
    }
}
