using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination;

/// <summary>etcd's Auth service without its transport. Failures as in <see cref="ICoordination"/>.</summary>
public interface ICoordinationAuth
{
    /// <summary>Who shows this token; <see cref="Caller.Invalid"/> when it is not ours, or its time is up. Fast, and from any thread.</summary>
    Caller Identify(string token);

    /// <summary>From now on everybody says who he is. Needs a user root who holds the role root.</summary>
    ValueTask<AuthEnableResponse> EnableAsync(AuthEnableRequest request, CancellationToken cancel = default);

    /// <summary>Nobody is asked any more; all tokens are void.</summary>
    ValueTask<AuthDisableResponse> DisableAsync(AuthDisableRequest request, CancellationToken cancel = default);

    /// <summary>Whether auth is on, and the store's revision.</summary>
    ValueTask<AuthStatusResponse> StatusAsync(AuthStatusRequest request, CancellationToken cancel = default);

    /// <summary>A token for a name and a password. Takes tens of milliseconds the first time, on another thread; at most some thousand wait.</summary>
    ValueTask<AuthenticateResponse> AuthenticateAsync(AuthenticateRequest request, CancellationToken cancel = default);

    /// <summary>Adds a user. A <c>hashedPassword</c> is base64 of a SCRAM-SHA-256 verifier in PostgreSQL's notation.</summary>
    ValueTask<AuthUserAddResponse> UserAddAsync(AuthUserAddRequest request, CancellationToken cancel = default);

    /// <summary>A user's roles; everybody may see his own.</summary>
    ValueTask<AuthUserGetResponse> UserGetAsync(AuthUserGetRequest request, CancellationToken cancel = default);

    /// <summary>All names.</summary>
    ValueTask<AuthUserListResponse> UserListAsync(AuthUserListRequest request, CancellationToken cancel = default);

    /// <summary>Removes a user; his tokens are void.</summary>
    ValueTask<AuthUserDeleteResponse> UserDeleteAsync(AuthUserDeleteRequest request, CancellationToken cancel = default);

    /// <summary>Sets a password; the user's tokens are void.</summary>
    ValueTask<AuthUserChangePasswordResponse> UserChangePasswordAsync(AuthUserChangePasswordRequest request, CancellationToken cancel = default);

    /// <summary>Gives a role to a user.</summary>
    ValueTask<AuthUserGrantRoleResponse> UserGrantRoleAsync(AuthUserGrantRoleRequest request, CancellationToken cancel = default);

    /// <summary>Takes a role from a user.</summary>
    ValueTask<AuthUserRevokeRoleResponse> UserRevokeRoleAsync(AuthUserRevokeRoleRequest request, CancellationToken cancel = default);

    /// <summary>Adds a role.</summary>
    ValueTask<AuthRoleAddResponse> RoleAddAsync(AuthRoleAddRequest request, CancellationToken cancel = default);

    /// <summary>A role's permissions; everybody may see those of roles that he holds.</summary>
    ValueTask<AuthRoleGetResponse> RoleGetAsync(AuthRoleGetRequest request, CancellationToken cancel = default);

    /// <summary>All names.</summary>
    ValueTask<AuthRoleListResponse> RoleListAsync(AuthRoleListRequest request, CancellationToken cancel = default);

    /// <summary>Removes a role, from its holders too.</summary>
    ValueTask<AuthRoleDeleteResponse> RoleDeleteAsync(AuthRoleDeleteRequest request, CancellationToken cancel = default);

    /// <summary>Gives a role permission on a range of keys.</summary>
    ValueTask<AuthRoleGrantPermissionResponse> RoleGrantPermissionAsync(AuthRoleGrantPermissionRequest request, CancellationToken cancel = default);

    /// <summary>Takes it back.</summary>
    ValueTask<AuthRoleRevokePermissionResponse> RoleRevokePermissionAsync(AuthRoleRevokePermissionRequest request, CancellationToken cancel = default);
}
