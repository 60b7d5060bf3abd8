using Holdfast.Coordination;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Simulation.Cluster;

/// <summary>Switches auth on and then takes one user's permission away and gives it back, now by his role and now by the role's permission. Repeats what it does not know to be done.</summary>
internal sealed class AuthAdmin(ClusterWorld world) : ClusterClient(world)
{
    public static readonly Caller Root = new(CallerKind.Certificate, "root", 0);

    private static readonly Mark SwitchedOn = new("sim: auth was switched on while the keyspace was used");
    private static readonly Mark Changed = new("sim: a user's permission changed");

    private readonly Queue<byte[]> steps = new(
    [
        AuthCommand.Encode(AuthCommandKind.UserAdd, new AuthUserAddRequest { Name = "root", Options = new UserAddOptions { NoPassword = true } }),
        AuthCommand.Encode(AuthCommandKind.UserGrantRole, new AuthUserGrantRoleRequest { User = "root", Role = "root" }),
        AuthCommand.Encode(AuthCommandKind.RoleAdd, new AuthRoleAddRequest { Name = AuthCheck.Role }),
        AuthCommand.Encode(AuthCommandKind.UserAdd, new AuthUserAddRequest { Name = AuthCheck.User, Options = new UserAddOptions { NoPassword = true } }),
        AuthCommand.Encode(AuthCommandKind.UserGrantRole, new AuthUserGrantRoleRequest { User = AuthCheck.User, Role = AuthCheck.Role }),
        AuthCommand.Encode(AuthCommandKind.Enable, [1, 2, 3, 4]),
    ]);

    private bool hasRole = true, isRolePermitted;
    private Action? pending;

    protected override void Act()
    {
        Target = Dice.Next(World.Options.Machines);
        if (steps.TryPeek(out var step))
        {
            Do(step, () =>
            {
                steps.Dequeue();
                if (steps.Count == 0) SwitchedOn.Hit();
            });
            return;
        }

        Changed.Hit();
        Change(Dice.Chance(0.5));
    }

    private void Change(bool isOfRole)
    {
        var command = isOfRole
            ? isRolePermitted
                ? AuthCommand.Encode(AuthCommandKind.RoleRevokePermission, new AuthRoleRevokePermissionRequest { Role = AuthCheck.Role, Key = Text(AuthCheck.Prefix), RangeEnd = Text("a0") })
                : AuthCommand.Encode(AuthCommandKind.RoleGrantPermission, new AuthRoleGrantPermissionRequest { Name = AuthCheck.Role, Perm = new Permission { Key = Text(AuthCheck.Prefix), RangeEnd = Text("a0"), PermType = Permission.Types.Type.Readwrite } })
            : hasRole
                ? AuthCommand.Encode(AuthCommandKind.UserRevokeRole, new AuthUserRevokeRoleRequest { Name = AuthCheck.User, Role = AuthCheck.Role })
                : AuthCommand.Encode(AuthCommandKind.UserGrantRole, new AuthUserGrantRoleRequest { User = AuthCheck.User, Role = AuthCheck.Role });
        pending = () => Change(isOfRole);
        Do(command, () =>
        {
            pending = null;
            if (isOfRole) isRolePermitted = !isRolePermitted;
            else hasRole = !hasRole;
        });
    }

    private void Do(byte[] command, Action done)
    {
        World.AuthCheck.OnAsked((AuthCommandKind)command[1]);
        var named = AuthCommand.InTheNameOf(new Requester("root", 1), command);
        Ask(
            process => process.GroupOf(ClusterWorld.Keyspace).ProposeAsync(named),
            outcome =>
            {
                if (outcome is { IsApplied: true, Reply: CommandReply reply })
                {
                    ClusterCheck.Require(reply.Error is null || IsDoneAlready(reply.Error), $"the administrator was refused: {reply.Error?.Message}");
                    World.AuthCheck.OnAcknowledged();
                    Count((ulong)reply.Revision);
                    done();
                    Later(steps.Count > 0 ? Think() : Dice.NextSpan(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(600)));
                    return;
                }

                Again();
            },
            _ => Again(),
            Again);
    }

    /// <summary>Whether it was done before, by a proposal of unknown fate.</summary>
    private static bool IsDoneAlready(EtcdError error) =>
        error == AuthErrors.UserAlreadyExists || error == AuthErrors.RoleAlreadyExists || error == AuthErrors.PermissionNotGranted || error == AuthErrors.RoleNotGranted;

    private void Again() => World.Clock.After(TimeSpan.FromMilliseconds(5 + Dice.Next(60)), () =>
    {
        Target = Dice.Next(World.Options.Machines);
        if (pending is not null) pending();
        else Next();
    });
}
