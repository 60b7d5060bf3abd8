using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>As whom a client is signed in. The users change while it is connected: it is looked at again whenever they did.</summary>
internal sealed class ClientIdentity(ClientSession client, KeyspaceNode node)
{
    private AclUser? user;
    private string? name;
    private long revision = -1;

    /// <summary>As whom it is signed in; null when it has to sign in first.</summary>
    public AclUser? User
    {
        get
        {
            if (revision == node.Users.Revision) return user;
            revision = node.Users.Revision;
            if (name is null && node.Users.Default is { IsOn: true, HasNoPassword: true }) name = AclUser.Default;
            user = name is null ? null : node.Users.Find(name);
            if (name is not null && user is null) client.IsLeaving = true; // He is no longer: ACL DELUSER cuts him off.
            return user;
        }
    }

    /// <summary>It has said who it is, and it is true.</summary>
    public void SignIn(AclUser signedIn) => (name, user, revision) = (signedIn.Name, signedIn, node.Users.Revision);

    /// <summary>Another node says who it is.</summary>
    public void SignInAs(string known)
    {
        if (known != name) (name, user, revision) = (known, null, -1);
    }

    /// <summary>As at its beginning.</summary>
    public void SignOut() => (name, user, revision) = (null, null, -1);

    /// <summary>Whether its user may execute this.</summary>
    public bool Allows(CommandSpec spec, RespArguments arguments) => User is { } signedIn && signedIn.Check(spec, arguments, node.Places, out _) == AclVerdict.Allowed;
}
