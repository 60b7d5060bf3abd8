using Holdfast.Cluster;

namespace Holdfast.Coordination.Permissions;

/// <summary>How a caller was recognised.</summary>
public enum CallerKind : byte
{
    /// <summary>He showed a token that is not valid.</summary>
    Invalid = 0,

    /// <summary>By a token of ours: <see cref="Caller.Stamp"/> is the revision of his credentials, and void when they changed.</summary>
    Token = 1,

    /// <summary>By a JSON Web Token: <see cref="Caller.Stamp"/> is the revision of the whole store, and any change makes it old (etcd's rule).</summary>
    Jwt = 2,

    /// <summary>By the common name of his TLS certificate.</summary>
    Certificate = 3,
}

/// <summary>Who a request comes from, as the door found out. What he may do is asked later, where the request is executed.</summary>
/// <param name="Kind">How he was recognised.</param>
/// <param name="User">His name.</param>
/// <param name="Stamp">A revision; see <see cref="CallerKind"/>.</param>
public sealed record Caller(CallerKind Kind, string User, ulong Stamp)
{
    /// <summary>One with a token that is not valid.</summary>
    public static readonly Caller Invalid = new(CallerKind.Invalid, "", 0);

    /// <summary>Who that is, as of a view of the identities; an error when the token is void there.</summary>
    internal static EtcdError? Resolve(Caller? caller, IdentityView view, out Requester who)
    {
        who = default;
        if (caller is null) return null;
        switch (caller.Kind)
        {
            case CallerKind.Token when view.Users.TryGetValue(caller.User, out var user) && user.CredentialRevision == caller.Stamp:
            case CallerKind.Certificate:
                who = new Requester(caller.User, view.Revision);
                return null;
            case CallerKind.Jwt:
                who = new Requester(caller.User, caller.Stamp);
                return null;
            default:
                return AuthErrors.InvalidAuthToken;
        }
    }
}

/// <summary>Who asked for an entry, as the entry carries it (S13): the name, and the revision of the store at which he was recognised. Nobody: revision 0.</summary>
internal readonly record struct Requester(string? User, ulong Revision);
