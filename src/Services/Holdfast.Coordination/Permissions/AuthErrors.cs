namespace Holdfast.Coordination.Permissions;

/// <summary>The failures of etcd's Auth service and of its permission checks: code and text letter for letter as etcd 3.6 sends them.</summary>
public static class AuthErrors
{
    /// <summary>Auth cannot be enabled: there is no user called root.</summary>
    public static readonly EtcdError RootUserNotExist = new(EtcdCode.FailedPrecondition, "etcdserver: root user does not exist");

    /// <summary>Auth cannot be enabled: the user root does not hold the role root.</summary>
    public static readonly EtcdError RootRoleNotExist = new(EtcdCode.FailedPrecondition, "etcdserver: root user does not have root role");

    /// <summary>The name is taken.</summary>
    public static readonly EtcdError UserAlreadyExists = new(EtcdCode.FailedPrecondition, "etcdserver: user name already exists");

    /// <summary>A user without a name; and what a request without a token is told while auth is on.</summary>
    public static readonly EtcdError UserEmpty = new(EtcdCode.InvalidArgument, "etcdserver: user name is empty");

    /// <summary>No such user.</summary>
    public static readonly EtcdError UserNotFound = new(EtcdCode.FailedPrecondition, "etcdserver: user name not found");

    /// <summary>The name is taken.</summary>
    public static readonly EtcdError RoleAlreadyExists = new(EtcdCode.FailedPrecondition, "etcdserver: role name already exists");

    /// <summary>No such role.</summary>
    public static readonly EtcdError RoleNotFound = new(EtcdCode.FailedPrecondition, "etcdserver: role name not found");

    /// <summary>A role without a name.</summary>
    public static readonly EtcdError RoleEmpty = new(EtcdCode.InvalidArgument, "etcdserver: role name is empty");

    /// <summary>Unknown user or wrong password: which of the two is not said.</summary>
    public static readonly EtcdError AuthFailed = new(EtcdCode.InvalidArgument, "etcdserver: authentication failed, invalid user ID or password");

    /// <summary>A password for a user who signs in by certificate only. (etcd has no code for it.)</summary>
    public static readonly EtcdError NoPasswordUser = new(EtcdCode.Unknown, "auth: authentication failed, password was given for no password user");

    /// <summary>A grant without a permission.</summary>
    public static readonly EtcdError PermissionNotGiven = new(EtcdCode.InvalidArgument, "etcdserver: permission not given");

    /// <summary>Not allowed.</summary>
    public static readonly EtcdError PermissionDenied = new(EtcdCode.PermissionDenied, "etcdserver: permission denied");

    /// <summary>The user does not hold the role that is to be revoked.</summary>
    public static readonly EtcdError RoleNotGranted = new(EtcdCode.FailedPrecondition, "etcdserver: role is not granted to the user");

    /// <summary>The role does not have the permission that is to be revoked.</summary>
    public static readonly EtcdError PermissionNotGranted = new(EtcdCode.FailedPrecondition, "etcdserver: permission is not granted to the role");

    /// <summary>A token that nobody here has issued, or that is void or too old.</summary>
    public static readonly EtcdError InvalidAuthToken = new(EtcdCode.Unauthenticated, "etcdserver: invalid auth token");

    /// <summary>A change that must not be: of root while auth is on, or a permission on an impossible range.</summary>
    public static readonly EtcdError InvalidAuthManagement = new(EtcdCode.InvalidArgument, "etcdserver: invalid auth management");

    /// <summary>Users or permissions changed after the caller was recognised; a client signs in again and repeats the request, which was not executed.</summary>
    public static readonly EtcdError AuthOldRevision = new(EtcdCode.InvalidArgument, "etcdserver: revision of auth store is old");
}
