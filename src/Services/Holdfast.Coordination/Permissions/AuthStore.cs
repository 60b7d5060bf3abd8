using System.Collections.Immutable;
using Google.Protobuf;
using Holdfast.Cluster;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Permissions;

/// <summary>
/// The identity store as group 1 keeps it (docs/decisions/0014-identity.md), changed by etcd's rules for users and roles. Every change makes a new
/// immutable view, raises the revision and is seen by the very next entry. Changes on the group's loop; <see cref="View"/> from any thread.
/// </summary>
internal sealed class AuthStore
{
    private volatile IdentityView view = new();

    /// <summary>Everything, as it is now.</summary>
    public IdentityView View => view;

    /// <summary>A mistake that the simulator plants.</summary>
    public PlantedKeyspaceBug Bug { get; set; }

    /// <summary>Whether the etcd face asks who is there.</summary>
    public bool IsOn { get; private set; }

    /// <summary>A snapshot's identities come into force.</summary>
    public void Restore(IdentityView restored)
    {
        IsOn = restored.Enforces(Face.Coordination);
        view = restored;
    }

    /// <summary>Executes a change; null when it is done. A refused one changes nothing.</summary>
    public EtcdError? Apply(ReadOnlySpan<byte> body, in Requester who)
    {
        if (body.IsEmpty) return EtcdErrors.NotCapable;
        if (IsOn && AuthGuard.AdminRefusal(view, who) is { } refused) return refused;
        var rest = body[1..];
        return (AuthCommandKind)body[0] switch
        {
            AuthCommandKind.Enable => Enable(rest),
            AuthCommandKind.Disable => Disable(),
            AuthCommandKind.UserAdd => AddUser(AuthUserAddRequest.Parser.ParseFrom(rest)),
            AuthCommandKind.UserDelete => DeleteUser(AuthUserDeleteRequest.Parser.ParseFrom(rest).Name),
            AuthCommandKind.UserChangePassword => ChangePassword(AuthUserChangePasswordRequest.Parser.ParseFrom(rest)),
            AuthCommandKind.UserGrantRole => GrantRole(AuthUserGrantRoleRequest.Parser.ParseFrom(rest)),
            AuthCommandKind.UserRevokeRole => RevokeRole(AuthUserRevokeRoleRequest.Parser.ParseFrom(rest)),
            AuthCommandKind.RoleAdd => AddRole(AuthRoleAddRequest.Parser.ParseFrom(rest).Name),
            AuthCommandKind.RoleDelete => DeleteRole(AuthRoleDeleteRequest.Parser.ParseFrom(rest).Role),
            AuthCommandKind.RoleGrantPermission => GrantPermission(AuthRoleGrantPermissionRequest.Parser.ParseFrom(rest)),
            AuthCommandKind.RoleRevokePermission => RevokePermission(AuthRoleRevokePermissionRequest.Parser.ParseFrom(rest)),
            _ => EtcdErrors.NotCapable,
        };
    }

    /// <summary>Switching on does not raise the revision (etcd). The fresh secret voids every token from before.</summary>
    private EtcdError? Enable(ReadOnlySpan<byte> secret)
    {
        if (IsOn) return null;
        if (!view.Users.TryGetValue(IdentityView.Root, out var root)) return AuthErrors.RootUserNotExist;
        if (!root.Holds(IdentityView.Root)) return AuthErrors.RootRoleNotExist;
        view = view with { Enforced = view.Enforced.Add(Face.Coordination), TokenSecret = secret.ToArray() };
        IsOn = true;
        return null;
    }

    private EtcdError? Disable()
    {
        if (!IsOn) return null;
        IsOn = false;
        return Commit(view with { Enforced = view.Enforced.Remove(Face.Coordination), TokenSecret = [] });
    }

    private EtcdError? AddUser(AuthUserAddRequest request)
    {
        if (request.Name.Length == 0) return AuthErrors.UserEmpty;
        if (view.Users.ContainsKey(request.Name)) return AuthErrors.UserAlreadyExists;
        if (IsTooLong(request.Name) || view.Users.Count >= IdentityView.RecordsMax) return EtcdErrors.NoSpace;
        var hasNoPassword = request.Options?.NoPassword == true;
        return Put(new UserRecord
        {
            Name = request.Name,
            CredentialRevision = view.Revision + 1,
            HasNoPassword = hasNoPassword,
            Verifier = hasNoPassword ? null : ScramVerifier.Parse(request.HashedPassword),
        });
    }

    private EtcdError? DeleteUser(string name)
    {
        if (IsOn && name == IdentityView.Root) return AuthErrors.InvalidAuthManagement;
        return view.Users.ContainsKey(name) ? Commit(view with { Users = view.Users.Remove(name) }) : AuthErrors.UserNotFound;
    }

    private EtcdError? ChangePassword(AuthUserChangePasswordRequest request)
    {
        if (!view.Users.TryGetValue(request.Name, out var user)) return AuthErrors.UserNotFound;
        var verifier = user.HasNoPassword ? null : ScramVerifier.Parse(request.HashedPassword);
        return Put(user with { Verifier = verifier, CredentialRevision = view.Revision + 1 });
    }

    private EtcdError? GrantRole(AuthUserGrantRoleRequest request)
    {
        if (!view.Users.TryGetValue(request.User, out var user)) return AuthErrors.UserNotFound;
        if (request.Role != IdentityView.Root && !view.Roles.ContainsKey(request.Role)) return AuthErrors.RoleNotFound;

        // Granting twice is no change, and raises no revision.
        if (user.Holds(request.Role)) return null;
        var place = ~user.Roles.BinarySearch(request.Role, StringComparer.Ordinal);
        return Put(user with { Roles = user.Roles.Insert(place, request.Role) });
    }

    private EtcdError? RevokeRole(AuthUserRevokeRoleRequest request)
    {
        if (IsOn && request.Name == IdentityView.Root && request.Role == IdentityView.Root) return AuthErrors.InvalidAuthManagement;
        if (!view.Users.TryGetValue(request.Name, out var user)) return AuthErrors.UserNotFound;
        return user.Holds(request.Role) ? Put(user with { Roles = user.Roles.Remove(request.Role, StringComparer.Ordinal) }) : AuthErrors.RoleNotGranted;
    }

    private EtcdError? AddRole(string name)
    {
        if (name.Length == 0) return AuthErrors.RoleEmpty;
        if (view.Roles.ContainsKey(name)) return AuthErrors.RoleAlreadyExists;
        if (IsTooLong(name) || view.Roles.Count >= IdentityView.RecordsMax) return EtcdErrors.NoSpace;
        return Put(new RoleRecord(name, []));
    }

    /// <summary>A deleted role is taken from all who hold it.</summary>
    private EtcdError? DeleteRole(string name)
    {
        if (IsOn && name == IdentityView.Root) return AuthErrors.InvalidAuthManagement;
        if (!view.Roles.ContainsKey(name)) return AuthErrors.RoleNotFound;
        var users = view.Users.ToBuilder();
        foreach (var user in view.Users.Values)
            if (user.Holds(name)) users[user.Name] = user with { Roles = user.Roles.Remove(name, StringComparer.Ordinal) };
        return Commit(view with { Roles = view.Roles.Remove(name), Users = users.ToImmutable() });
    }

    private EtcdError? GrantPermission(AuthRoleGrantPermissionRequest request)
    {
        if (request.Perm is null) return AuthErrors.PermissionNotGiven;
        if (!KeyPermission.IsPossible(request.Perm)) return AuthErrors.InvalidAuthManagement;
        if (!view.Roles.TryGetValue(request.Name, out var role)) return AuthErrors.RoleNotFound;
        if (role.Grants.Length >= KeyPermission.PerRoleMax || request.Perm.Key.Length + request.Perm.RangeEnd.Length > Grant.ScopeBytesMax) return EtcdErrors.NoSpace;
        return Put(role with { Grants = KeyPermission.Add(role.Grants, KeyPermission.ToGrant(request.Perm)) });
    }

    private EtcdError? RevokePermission(AuthRoleRevokePermissionRequest request)
    {
        if (!view.Roles.TryGetValue(request.Role, out var role)) return AuthErrors.RoleNotFound;
        var scope = KeyPermission.ToGrant(new Permission { Key = request.Key, RangeEnd = request.RangeEnd });
        var left = role.Grants.RemoveAll(grant => grant.HasScopeOf(scope));
        return left.Length < role.Grants.Length ? Put(role with { Grants = left }) : AuthErrors.PermissionNotGranted;
    }

    private static bool IsTooLong(string name) => System.Text.Encoding.UTF8.GetByteCount(name) > AuthCommand.NameBytesMax;

    private EtcdError? Put(UserRecord user) => Commit(view with { Users = view.Users.SetItem(user.Name, user) });

    private EtcdError? Put(RoleRecord role) => Commit(view with { Roles = view.Roles.SetItem(role.Name, role) });

    private EtcdError? Commit(IdentityView changed)
    {
        view = changed with { Revision = changed.Revision + 1 };
        return null;
    }
}

/// <summary>etcd's permissions on keys, as grants.</summary>
internal static class KeyPermission
{
    /// <summary>Permissions of one role.</summary>
    public const int PerRoleMax = 10_000;

    /// <summary>A key there must be, and a range must have room for one (etcd 3.6).</summary>
    public static bool IsPossible(Permission permission)
    {
        if (permission.Key.IsEmpty || permission.PermType is < Permission.Types.Type.Read or > Permission.Types.Type.Readwrite) return false;
        return permission.RangeEnd.IsEmpty || !KeyRange.Of(permission.Key, permission.RangeEnd).IsEmpty;
    }

    /// <summary>A permission as a grant.</summary>
    public static Grant ToGrant(Permission permission) => new()
    {
        Face = Face.Coordination,
        Kind = ScopeKind.KeyRange,
        Start = permission.Key.ToByteArray(),
        End = permission.RangeEnd.ToByteArray(),
        Access = permission.PermType switch
        {
            Permission.Types.Type.Read => Access.Read,
            Permission.Types.Type.Write => Access.Write,
            _ => Access.Read | Access.Write,
        },
    };

    /// <summary>A grant as the protocol shows it.</summary>
    public static Permission ToPermission(Grant grant) => new()
    {
        Key = ByteString.CopyFrom(grant.Start),
        RangeEnd = ByteString.CopyFrom(grant.End),
        PermType = grant.Access switch
        {
            Access.Read => Permission.Types.Type.Read,
            Access.Write => Permission.Types.Type.Write,
            _ => Permission.Types.Type.Readwrite,
        },
    };

    /// <summary>
    /// Adds a grant in the order of keys, or replaces the one of its range. As in etcd only the first grant with the same key is looked at: a second
    /// range from the same key is added again rather than replaced. Both then count, as both are shown.
    /// </summary>
    public static ImmutableArray<Grant> Add(ImmutableArray<Grant> grants, Grant added)
    {
        var first = 0;
        while (first < grants.Length && grants[first].Start.AsSpan().SequenceCompareTo(added.Start) < 0) first++;
        if (first < grants.Length && grants[first].HasScopeOf(added)) return grants.SetItem(first, added);
        while (first < grants.Length && grants[first].Start.AsSpan().SequenceEqual(added.Start)) first++;
        return grants.Insert(first, added);
    }
}
