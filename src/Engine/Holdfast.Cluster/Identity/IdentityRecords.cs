using System.Collections.Immutable;

namespace Holdfast.Cluster;

/// <summary>Someone who may sign in, with what each protocol needs to recognise him. Names are unique over all faces.</summary>
public sealed record UserRecord
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>The revision of the store at which this user was created or his password last changed: tokens from before it are void.</summary>
    public required ulong CredentialRevision { get; init; }

    /// <summary>False for one who is kept but may not sign in (Redis: <c>off</c>).</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>Signs in by certificate only (etcd's no_password).</summary>
    public bool HasNoPassword { get; init; }

    /// <summary>For protocols that send the password or prove it by SCRAM (etcd, PostgreSQL).</summary>
    public ScramVerifier? Verifier { get; init; }

    /// <summary>SHA-256 of each password that Redis accepts (its ACL shows and takes them in this form).</summary>
    public ImmutableArray<string> Sha256Passwords { get; init; } = [];

    /// <summary>Roles, in byte order, without repetition.</summary>
    public ImmutableArray<string> Roles { get; init; } = [];

    /// <summary>Grants of his own, beside those of his roles (Redis's rules are the user's own).</summary>
    public ImmutableArray<Grant> Grants { get; init; } = [];

    /// <summary>Whether he holds the role.</summary>
    public bool Holds(string role) => Roles.Contains(role, StringComparer.Ordinal);
}

/// <summary>A named set of grants.</summary>
/// <param name="Name">The name.</param>
/// <param name="Grants">In the order in which its protocol shows them.</param>
public sealed record RoleRecord(string Name, ImmutableArray<Grant> Grants);

/// <summary>A key that a program presents instead of a name and a password (Qdrant's api-key). Known by its hash only.</summary>
public sealed record ApiKeyRecord
{
    /// <summary>The public name of the key, for listing and revoking it.</summary>
    public required string Id { get; init; }

    /// <summary>SHA-256 of the secret, 32 bytes. Keys are drawn, not chosen, so a fast hash suffices.</summary>
    public required byte[] SecretHash { get; init; }

    /// <summary>Roles that it carries.</summary>
    public ImmutableArray<string> Roles { get; init; } = [];

    /// <summary>After this stamped time it opens nothing; 0 for never.</summary>
    public long ExpiresMicros { get; init; }
}
