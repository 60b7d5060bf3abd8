namespace Holdfast.Vectors.Endpoints.Access;

/// <summary>What a request needs.</summary>
internal enum AccessRight : byte
{
    /// <summary>Nothing: pages that say whether the service lives.</summary>
    Open = 0,

    /// <summary>To read.</summary>
    Read = 1,

    /// <summary>To write points.</summary>
    Write = 2,

    /// <summary>To declare payload indexes, which who writes points alone may not.</summary>
    Index = 3,

    /// <summary>To take and delete snapshots of a collection.</summary>
    Keep = 4,

    /// <summary>To make and delete collections, and everything else.</summary>
    Manage = 5,
}

/// <summary>What a caller may do: everything everywhere, reading everywhere, or what is said of each collection.</summary>
internal sealed class AccessGrant
{
    /// <summary>Everything.</summary>
    public static readonly AccessGrant All = new(AccessRight.Manage, null);

    /// <summary>Reading everywhere.</summary>
    public static readonly AccessGrant ReadOnly = new(AccessRight.Read, null);

    private readonly AccessRight everywhere;
    private readonly IReadOnlyDictionary<string, AccessRight>? collections;

    /// <summary>What must be there for it to hold; null for nothing.</summary>
    public ValueExists? Condition { get; private init; }

    private AccessGrant(AccessRight everywhere, IReadOnlyDictionary<string, AccessRight>? collections) => (this.everywhere, this.collections) = (everywhere, collections);

    /// <summary>What is said of each collection, and nothing elsewhere.</summary>
    public static AccessGrant Of(IReadOnlyDictionary<string, AccessRight> collections) => new(AccessRight.Open, collections);

    /// <summary>The same, as long as a value is there.</summary>
    public AccessGrant While(ValueExists condition) => new(everywhere, collections) { Condition = condition };

    /// <summary>Whether a collection may be read, and so be seen in lists.</summary>
    public bool Sees(string collection) => collections is null ? everywhere >= AccessRight.Read : collections.ContainsKey(collection);

    /// <summary>Refuses what may not be done.</summary>
    /// <param name="right">What is needed.</param>
    /// <param name="collection">Of which collection; null for the service.</param>
    /// <exception cref="VectorFault">It may not.</exception>
    public void Require(AccessRight right, string? collection)
    {
        if (right == AccessRight.Open || everywhere >= right) return;
        if (collections is null) throw VectorFault.Forbidden(right == AccessRight.Manage ? "Global manage access is required" : "Global write access is required");

        // A list is cut to what may be seen; all else of the service itself is for those whose word holds everywhere.
        if (collection is null) throw VectorFault.Forbidden("Global access is required");
        if (!collections.TryGetValue(collection, out var held)) throw VectorFault.Forbidden($"Access to collection {collection} is required");
        if (held < right) throw VectorFault.Forbidden(right == AccessRight.Manage ? "Global manage access is required" : $"Write access to collection {collection} is required");
    }
}
