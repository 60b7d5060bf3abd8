namespace Holdfast.Cluster;

/// <summary>
/// Where a face reads identities on its own node (docs/decisions/0014-identity.md). The store is replicated in group 1; each node answers from its own
/// applied copy, which may lag behind the newest change: a face whose groups check at apply copies what they need into them by an entry (S13).
/// </summary>
public interface IIdentityStore
{
    /// <summary>The newest view that this node has applied. From any thread.</summary>
    IdentityView Identity { get; }

    /// <summary>The view after a read barrier: everything that was acknowledged anywhere before the call is in it.</summary>
    ValueTask<IdentityView> RefreshIdentityAsync(CancellationToken cancel);
}
