using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests;

/// <summary>A keyspace in this process with users, roles and auth switched on, with words for tests.</summary>
internal sealed class AuthedLocal
{
    private AuthedLocal(Local local) => Local = local;

    public Local Local { get; }

    /// <summary>The face for nobody.</summary>
    public ICoordination Nobody => Local.Face;

    /// <summary>The face for root.</summary>
    public ICoordination Root { get; private set; } = null!;

    public static async Task<AuthedLocal> StartAsync(Local? over = null)
    {
        var started = new AuthedLocal(over ?? new Local());
        var auth = started.Nobody.Auth;
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "toor" });
        await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        await auth.EnableAsync(new AuthEnableRequest());
        started.Root = await started.SignIn("root", "toor");
        return started;
    }

    /// <summary>The face in the name of whom this token says.</summary>
    public ICoordination With(string token) => Nobody.As(Nobody.Auth.Identify(token));

    public async Task<string> Token(string name, string password) =>
        (await Nobody.Auth.AuthenticateAsync(new AuthenticateRequest { Name = name, Password = password })).Token;

    public async Task<ICoordination> SignIn(string name, string password) => With(await Token(name, password));

    /// <summary>A user with a role of his own name, which has the permissions; signed in after all of that.</summary>
    public async Task<ICoordination> User(string name, params (Permission.Types.Type Type, string Key, string End)[] permissions)
    {
        await Root.Auth.UserAddAsync(new AuthUserAddRequest { Name = name, Password = name });
        await Root.Auth.RoleAddAsync(new AuthRoleAddRequest { Name = name });
        await Root.Auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = name, Role = name });
        foreach (var (type, key, end) in permissions) await Grant(name, type, key, end);
        return await SignIn(name, name);
    }

    public async Task Grant(string role, Permission.Types.Type type, string key, string end = "") =>
        await Root.Auth.RoleGrantPermissionAsync(new AuthRoleGrantPermissionRequest { Name = role, Perm = new Permission { PermType = type, Key = Local.B(key), RangeEnd = Local.B(end) } });

    public static Task<EtcdError> ErrorOf<T>(ValueTask<T> call) => Local.ErrorOf(() => call);

    public static ValueTask<PutResponse> Put(ICoordination face, string key, string value = "v", long lease = 0, bool prevKv = false) =>
        face.PutAsync(new PutRequest { Key = Local.B(key), Value = Local.B(value), Lease = lease, PrevKv = prevKv });

    public static ValueTask<RangeResponse> Range(ICoordination face, string key, string end = "") => face.RangeAsync(new RangeRequest { Key = Local.B(key), RangeEnd = Local.B(end) });

    public static ValueTask<DeleteRangeResponse> Delete(ICoordination face, string key, string end = "", bool prevKv = false) =>
        face.DeleteRangeAsync(new DeleteRangeRequest { Key = Local.B(key), RangeEnd = Local.B(end), PrevKv = prevKv });
}
