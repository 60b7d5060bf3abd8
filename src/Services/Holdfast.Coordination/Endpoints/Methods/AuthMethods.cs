using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>The methods of etcd's Auth service.</summary>
internal static class AuthMethods
{
    private const string Auth = "etcdserverpb.Auth";

    /// <summary>Each method, with its paths in the JSON gateway.</summary>
    public static IEnumerable<(EtcdMethod Method, string[] JsonPaths)> Offered()
    {
        yield return (new UnaryMethod<AuthEnableRequest, AuthEnableResponse>(Auth, "AuthEnable", Shapes.Of(AuthEnableRequest.Parser, AuthEnableRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.EnableAsync(request, cancel)), ["/auth/enable"]);
        yield return (new UnaryMethod<AuthDisableRequest, AuthDisableResponse>(Auth, "AuthDisable", Shapes.Of(AuthDisableRequest.Parser, AuthDisableRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.DisableAsync(request, cancel)), ["/auth/disable"]);
        yield return (new UnaryMethod<AuthStatusRequest, AuthStatusResponse>(Auth, "AuthStatus", Shapes.Of(AuthStatusRequest.Parser, AuthStatusRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.StatusAsync(request, cancel)), ["/auth/status"]);
        yield return (new UnaryMethod<AuthenticateRequest, AuthenticateResponse>(Auth, "Authenticate", Shapes.Of(AuthenticateRequest.Parser, AuthenticateRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.AuthenticateAsync(request, cancel)), ["/auth/authenticate"]);
        yield return (new UnaryMethod<AuthUserAddRequest, AuthUserAddResponse>(Auth, "UserAdd", Shapes.Of(AuthUserAddRequest.Parser, AuthUserAddRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.UserAddAsync(request, cancel)), ["/auth/user/add"]);
        yield return (new UnaryMethod<AuthUserGetRequest, AuthUserGetResponse>(Auth, "UserGet", Shapes.Of(AuthUserGetRequest.Parser, AuthUserGetRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.UserGetAsync(request, cancel)), ["/auth/user/get"]);
        yield return (new UnaryMethod<AuthUserListRequest, AuthUserListResponse>(Auth, "UserList", Shapes.Of(AuthUserListRequest.Parser, AuthUserListRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.UserListAsync(request, cancel)), ["/auth/user/list"]);
        yield return (new UnaryMethod<AuthUserDeleteRequest, AuthUserDeleteResponse>(Auth, "UserDelete", Shapes.Of(AuthUserDeleteRequest.Parser, AuthUserDeleteRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.UserDeleteAsync(request, cancel)), ["/auth/user/delete"]);
        yield return (new UnaryMethod<AuthUserChangePasswordRequest, AuthUserChangePasswordResponse>(Auth, "UserChangePassword", Shapes.Of(AuthUserChangePasswordRequest.Parser, AuthUserChangePasswordRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.UserChangePasswordAsync(request, cancel)), ["/auth/user/changepw"]);
        yield return (new UnaryMethod<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>(Auth, "UserGrantRole", Shapes.Of(AuthUserGrantRoleRequest.Parser, AuthUserGrantRoleRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.UserGrantRoleAsync(request, cancel)), ["/auth/user/grant"]);
        yield return (new UnaryMethod<AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse>(Auth, "UserRevokeRole", Shapes.Of(AuthUserRevokeRoleRequest.Parser, AuthUserRevokeRoleRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.UserRevokeRoleAsync(request, cancel)), ["/auth/user/revoke"]);
        yield return (new UnaryMethod<AuthRoleAddRequest, AuthRoleAddResponse>(Auth, "RoleAdd", Shapes.Of(AuthRoleAddRequest.Parser, AuthRoleAddRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.RoleAddAsync(request, cancel)), ["/auth/role/add"]);
        yield return (new UnaryMethod<AuthRoleGetRequest, AuthRoleGetResponse>(Auth, "RoleGet", Shapes.Of(AuthRoleGetRequest.Parser, AuthRoleGetRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.RoleGetAsync(request, cancel)), ["/auth/role/get"]);
        yield return (new UnaryMethod<AuthRoleListRequest, AuthRoleListResponse>(Auth, "RoleList", Shapes.Of(AuthRoleListRequest.Parser, AuthRoleListRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.RoleListAsync(request, cancel)), ["/auth/role/list"]);
        yield return (new UnaryMethod<AuthRoleDeleteRequest, AuthRoleDeleteResponse>(Auth, "RoleDelete", Shapes.Of(AuthRoleDeleteRequest.Parser, AuthRoleDeleteRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.RoleDeleteAsync(request, cancel)), ["/auth/role/delete"]);
        yield return (new UnaryMethod<AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse>(Auth, "RoleGrantPermission", Shapes.Of(AuthRoleGrantPermissionRequest.Parser, AuthRoleGrantPermissionRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.RoleGrantPermissionAsync(request, cancel)), ["/auth/role/grant"]);
        yield return (new UnaryMethod<AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse>(Auth, "RoleRevokePermission", Shapes.Of(AuthRoleRevokePermissionRequest.Parser, AuthRoleRevokePermissionRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.Auth.RoleRevokePermissionAsync(request, cancel)), ["/auth/role/revoke"]);
    }
}
