using System.Collections.Immutable;

namespace Holdfast.Cluster;

/// <summary>
/// All identities at one revision: immutable, so any thread may read it for as long as it likes. <see cref="Revision"/> rises with every change, and a
/// decision that was made on one revision can be recognised as old on the next (S13).
/// </summary>
public sealed record IdentityView
{
    /// <summary>The user and the role that may do everything.</summary>
    public const string Root = "root";

    /// <summary>Users, roles and keys each; more are refused.</summary>
    public const int RecordsMax = 100_000;

    /// <summary>The number of the newest change. An untouched store is at 1, as etcd's is.</summary>
    public ulong Revision { get; init; } = 1;

    /// <summary>The faces on which nobody does anything without having said who he is.</summary>
    public ImmutableHashSet<Face> Enforced { get; init; } = [];

    /// <summary>What tokens are signed with: drawn anew whenever enforcing begins, so that tokens from before are void. Empty while nothing is enforced.</summary>
    public byte[] TokenSecret { get; init; } = [];

    /// <summary>By name, in byte order.</summary>
    public ImmutableSortedDictionary<string, UserRecord> Users { get; init; } = ImmutableSortedDictionary.Create<string, UserRecord>(StringComparer.Ordinal);

    /// <summary>By name, in byte order.</summary>
    public ImmutableSortedDictionary<string, RoleRecord> Roles { get; init; } = ImmutableSortedDictionary.Create<string, RoleRecord>(StringComparer.Ordinal);

    /// <summary>By id, in byte order.</summary>
    public ImmutableSortedDictionary<string, ApiKeyRecord> ApiKeys { get; init; } = ImmutableSortedDictionary.Create<string, ApiKeyRecord>(StringComparer.Ordinal);

    /// <summary>Whether nothing was ever changed: then nobody can have a token, and nobody needs to look for one.</summary>
    public bool IsUntouched => Revision == 1;

    /// <summary>Whether the face asks who is there.</summary>
    public bool Enforces(Face face) => Enforced.Contains(face);

    /// <summary>Every grant of a user: his own, then those of his roles that exist.</summary>
    public IEnumerable<Grant> GrantsOf(UserRecord user)
    {
        ArgumentNullException.ThrowIfNull(user);
        foreach (var grant in user.Grants) yield return grant;
        foreach (var name in user.Roles)
        {
            if (!Roles.TryGetValue(name, out var role)) continue;
            foreach (var grant in role.Grants) yield return grant;
        }
    }
}
