namespace Holdfast.Coordination.Mvcc;

/// <summary>What a key was from one revision on. A tombstone has no value.</summary>
/// <param name="Mod">The revision that wrote it.</param>
/// <param name="Sub">Its place among the changes of that revision: etcd's main.sub.</param>
/// <param name="Create">The revision at which this life of the key began; 0 for a tombstone.</param>
/// <param name="Number">1 for the first put of this life; 0 for a tombstone.</param>
/// <param name="Lease">The lease it hangs on, or 0.</param>
/// <param name="Value">The bytes, never changed after they are stored; null for a tombstone.</param>
internal readonly record struct KeyVersion(long Mod, int Sub, long Create, long Number, long Lease, byte[]? Value)
{
    /// <summary>Whether the key exists from here on.</summary>
    public bool IsLive => Value is not null;

    /// <summary>The deletion of a key.</summary>
    public static KeyVersion Tombstone(long mod, int sub) => new(mod, sub, 0, 0, 0, null);
}
