using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>
/// The Auth service over the keyspace's group. Whatever is slow (hashing) or needs dice (salts, secrets) is done here, before proposing; the entry
/// carries the finished result (S13). Reads go through the barrier; signing in writes nothing to the log.
/// </summary>
internal sealed class AuthFace(IKeyspaceGroup group, CoordinationIdentity identity, AuthDesks desks, Caller? caller) : ICoordinationAuth
{
    /// <summary>Bytes of a password; PBKDF2 hashes longer ones all the same, so nothing is gained by them.</summary>
    public const int PasswordBytesMax = 1024;

    private const int SecretBytes = 32;
    private const int SaltBytes = 16;

    public Caller Identify(string token) => desks.Tokens.Read(token, group.Identity);

    public async ValueTask<AuthEnableResponse> EnableAsync(AuthEnableRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommand.Encode(AuthCommandKind.Enable, RandomNumberGenerator.GetBytes(SecretBytes)), cancel).ConfigureAwait(false) };

    public async ValueTask<AuthDisableResponse> DisableAsync(AuthDisableRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommandKind.Disable, request, cancel).ConfigureAwait(false) };

    public async ValueTask<AuthStatusResponse> StatusAsync(AuthStatusRequest request, CancellationToken cancel)
    {
        var (view, header) = await ReadAsAdminAsync(cancel).ConfigureAwait(false);
        return new AuthStatusResponse { Header = header, Enabled = view.Enforces(Face.Coordination), AuthRevision = view.Revision };
    }

    public async ValueTask<AuthenticateResponse> AuthenticateAsync(AuthenticateRequest request, CancellationToken cancel)
    {
        var (view, header) = await ReadAsync(cancel).ConfigureAwait(false);
        if (!view.Enforces(Face.Coordination)) throw new EtcdException(EtcdErrors.AuthNotEnabled);
        var user = view.Users.GetValueOrDefault(request.Name);
        if (user is { HasNoPassword: true }) throw new EtcdException(AuthErrors.NoPasswordUser);
        RefuseLong(request.Password);

        // A user who is not there takes as long as a wrong password, so that names cannot be found out by the clock.
        var isRight = await desks.Passwords.VerifyAsync(user?.Verifier, request.Password, cancel).ConfigureAwait(false);
        if (!isRight || user is not { IsEnabled: true }) throw new EtcdException(AuthErrors.AuthFailed);
        return new AuthenticateResponse { Header = header, Token = desks.Tokens.Issue(user, view) };
    }

    public async ValueTask<AuthUserAddResponse> UserAddAsync(AuthUserAddRequest request, CancellationToken cancel)
    {
        var finished = request.Clone();
        finished.Password = "";
        finished.HashedPassword = request.Options?.NoPassword == true ? "" : await VerifierAsync(request.Password, request.HashedPassword, cancel).ConfigureAwait(false);
        return new() { Header = await ChangeAsync(AuthCommandKind.UserAdd, finished, cancel).ConfigureAwait(false) };
    }

    public async ValueTask<AuthUserGetResponse> UserGetAsync(AuthUserGetRequest request, CancellationToken cancel)
    {
        var (view, header) = await ReadAsync(cancel).ConfigureAwait(false);
        if (AdminRefusal(view, out var who) is { } refused && who.User != request.Name) throw new EtcdException(refused);
        if (!view.Users.TryGetValue(request.Name, out var user)) throw new EtcdException(AuthErrors.UserNotFound);
        return new AuthUserGetResponse { Header = header, Roles = { user.Roles } };
    }

    public async ValueTask<AuthUserListResponse> UserListAsync(AuthUserListRequest request, CancellationToken cancel)
    {
        var (view, header) = await ReadAsAdminAsync(cancel).ConfigureAwait(false);
        return new AuthUserListResponse { Header = header, Users = { view.Users.Keys } };
    }

    public async ValueTask<AuthUserDeleteResponse> UserDeleteAsync(AuthUserDeleteRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommandKind.UserDelete, request, cancel).ConfigureAwait(false) };

    public async ValueTask<AuthUserChangePasswordResponse> UserChangePasswordAsync(AuthUserChangePasswordRequest request, CancellationToken cancel)
    {
        var finished = request.Clone();
        finished.Password = "";
        finished.HashedPassword = await VerifierAsync(request.Password, request.HashedPassword, cancel).ConfigureAwait(false);
        return new() { Header = await ChangeAsync(AuthCommandKind.UserChangePassword, finished, cancel).ConfigureAwait(false) };
    }

    public async ValueTask<AuthUserGrantRoleResponse> UserGrantRoleAsync(AuthUserGrantRoleRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommandKind.UserGrantRole, request, cancel).ConfigureAwait(false) };

    public async ValueTask<AuthUserRevokeRoleResponse> UserRevokeRoleAsync(AuthUserRevokeRoleRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommandKind.UserRevokeRole, request, cancel).ConfigureAwait(false) };

    public async ValueTask<AuthRoleAddResponse> RoleAddAsync(AuthRoleAddRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommandKind.RoleAdd, request, cancel).ConfigureAwait(false) };

    public async ValueTask<AuthRoleGetResponse> RoleGetAsync(AuthRoleGetRequest request, CancellationToken cancel)
    {
        var (view, header) = await ReadAsync(cancel).ConfigureAwait(false);
        if (AdminRefusal(view, out var who) is { } refused && !(who.User is { Length: > 0 } name && view.Users.TryGetValue(name, out var user) && user.Holds(request.Role)))
            throw new EtcdException(refused);
        if (!view.Roles.TryGetValue(request.Role, out var role)) throw new EtcdException(AuthErrors.RoleNotFound);
        var response = new AuthRoleGetResponse { Header = header };
        if (role.Name == IdentityView.Root) response.Perm.Add(new Permission { PermType = Permission.Types.Type.Readwrite, RangeEnd = ByteString.CopyFrom(0) });
        else foreach (var grant in role.Grants) response.Perm.Add(KeyPermission.ToPermission(grant));
        return response;
    }

    public async ValueTask<AuthRoleListResponse> RoleListAsync(AuthRoleListRequest request, CancellationToken cancel)
    {
        var (view, header) = await ReadAsAdminAsync(cancel).ConfigureAwait(false);
        return new AuthRoleListResponse { Header = header, Roles = { view.Roles.Keys } };
    }

    public async ValueTask<AuthRoleDeleteResponse> RoleDeleteAsync(AuthRoleDeleteRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommandKind.RoleDelete, request, cancel).ConfigureAwait(false) };

    public async ValueTask<AuthRoleGrantPermissionResponse> RoleGrantPermissionAsync(AuthRoleGrantPermissionRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommandKind.RoleGrantPermission, request, cancel).ConfigureAwait(false) };

    public async ValueTask<AuthRoleRevokePermissionResponse> RoleRevokePermissionAsync(AuthRoleRevokePermissionRequest request, CancellationToken cancel) =>
        new() { Header = await ChangeAsync(AuthCommandKind.RoleRevokePermission, request, cancel).ConfigureAwait(false) };

    private static void RefuseLong(string password)
    {
        if (Encoding.UTF8.GetByteCount(password) > PasswordBytesMax) throw new EtcdException(EtcdErrors.RequestTooLarge);
    }

    /// <summary>A finished verifier: made from the password, or the one that came along.</summary>
    private async ValueTask<string> VerifierAsync(string password, string hashed, CancellationToken cancel)
    {
        // An administrator only: whoever may not change users must not keep the hashing threads busy.
        if (group.Identity.Enforces(Face.Coordination)) await ReadAsAdminAsync(cancel).ConfigureAwait(false);
        RefuseLong(password);
        if (password.Length == 0 && hashed.Length > 0) return ReadHashed(hashed);
        var verifier = await desks.Passwords.HashAsync(password, RandomNumberGenerator.GetBytes(SaltBytes), cancel).ConfigureAwait(false);
        return verifier.ToString();
    }

    private static string ReadHashed(string hashed)
    {
        var bytes = new byte[hashed.Length];
        var isBase64 = Convert.TryFromBase64String(hashed, bytes, out var length);
        var verifier = isBase64 ? ScramVerifier.Parse(Encoding.UTF8.GetString(bytes.AsSpan(0, length))) : null;
        return verifier?.ToString() ?? throw new EtcdException(AuthErrors.InvalidAuthManagement);
    }

    private EtcdError? AdminRefusal(IdentityView view, out Requester who)
    {
        who = default;
        if (!view.Enforces(Face.Coordination)) return null;
        return Caller.Resolve(caller, view, out who) ?? AuthGuard.AdminRefusal(view, who);
    }

    private async ValueTask<(IdentityView View, ResponseHeader Header)> ReadAsAdminAsync(CancellationToken cancel)
    {
        var (view, header) = await ReadAsync(cancel).ConfigureAwait(false);
        return AdminRefusal(view, out _) is { } refused ? throw new EtcdException(refused) : (view, header);
    }

    private async ValueTask<(IdentityView View, ResponseHeader Header)> ReadAsync(CancellationToken cancel)
    {
        var (view, revision, term) = await group.ReadAsync(new IdentityRead(), true, cancel).ConfigureAwait(false);
        return (view, Header(revision, term));
    }

    private ValueTask<ResponseHeader> ChangeAsync(AuthCommandKind kind, IMessage request, CancellationToken cancel) => ChangeAsync(AuthCommand.Encode(kind, request), cancel);

    private async ValueTask<ResponseHeader> ChangeAsync(byte[] command, CancellationToken cancel)
    {
        if (command.Length > CoordinationFace.RequestBytesMax) throw new EtcdException(EtcdErrors.RequestTooLarge);
        var reply = await group.ProposeAsync(CallerCommand.Named(caller, group.Identity, command), cancel).ConfigureAwait(false);
        return reply.Error is null ? Header(reply.Revision, reply.Term) : throw new EtcdException(reply.Error);
    }

    private ResponseHeader Header(long revision, Term term) =>
        new() { ClusterId = identity.ClusterId, MemberId = identity.MemberId, Revision = revision, RaftTerm = term.Value };
}

/// <summary>Puts a caller's name on a command, while auth is on.</summary>
internal static class CallerCommand
{
    /// <summary>The command as it is proposed. Throws when the caller's token is void by now.</summary>
    public static byte[] Named(Caller? caller, IdentityView view, byte[] command)
    {
        if (caller is null || !view.Enforces(Face.Coordination)) return command;
        if (Caller.Resolve(caller, view, out var who) is { } refused) throw new EtcdException(refused);
        return AuthCommand.InTheNameOf(who, command);
    }
}
