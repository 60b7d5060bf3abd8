using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>Issues tokens and reads them: our own, or JSON Web Tokens.</summary>
internal interface ITokenDesk
{
    /// <summary>A token for someone whose password was right.</summary>
    string Issue(UserRecord user, IdentityView view);

    /// <summary>Who shows it; <see cref="Caller.Invalid"/> when it was not issued here, was changed, or its time is up.</summary>
    Caller Read(string token, IdentityView view);
}
