using Holdfast.Coordination;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// What one user may do, by the log and by the clock: an entry in his name is executed exactly when the entries before it permit that, and once a change was
/// acknowledged, whatever is asked after it is answered by it until the next change is asked for.
/// </summary>
internal sealed class AuthCheck
{
    /// <summary>The user whose permissions change, and the prefix that they are about.</summary>
    public const string User = "u", Role = "r", Prefix = "a/";

    private bool isOn, hasRole, isRolePermitted;
    private int changes;
    private bool? sure;

    private bool IsPermitted => !isOn || (hasRole && isRolePermitted);

    /// <summary>What is surely so now, and which change it rests on; null while a change is under way.</summary>
    public (bool? IsPermitted, int Changes) Known => (sure, changes);

    /// <summary>A change is asked for: from now on either may be so.</summary>
    public void OnChangeAsked() => (sure, changes) = (null, changes + 1);

    /// <summary>The change is known to be in the log.</summary>
    public void OnChangeKnown(bool isPermitted) => sure = isPermitted;

    /// <summary>The user was answered, or refused for want of permission.</summary>
    public void OnAnswered((bool? IsPermitted, int Changes) whenAsked, bool wasServed, string what)
    {
        if (whenAsked.IsPermitted is not { } permitted || whenAsked.Changes != changes) return;
        Require(permitted == wasServed, permitted ? $"{what} was refused, and the user had been given the permission before" : $"{what} was served, and the permission had been taken from the user before");
    }

    /// <summary>An entry was applied by the first replica.</summary>
    public void OnApplied(ReadOnlySpan<byte> command, CommandReply? reply)
    {
        if (command.IsEmpty || reply is null) return;
        var who = default(Requester);
        if (command[0] == (byte)CommandKind.Authorized && !AuthCommand.TryTakeName(ref command, out who)) return;
        var isDone = reply.Error is null;
        if (command[0] == (byte)CommandKind.Put && who.User == User)
        {
            Require(!isDone || IsPermitted, $"a put of user {User} was executed, and the entries before it do not permit that");
            Require(reply.Error != AuthErrors.PermissionDenied || !IsPermitted, $"a put of user {User} was refused, and the entries before it permit that");
        }

        if (command[0] == (byte)CommandKind.Auth && isDone) Follow((AuthCommandKind)command[1], command[2..]);
    }

    private void Follow(AuthCommandKind kind, ReadOnlySpan<byte> body)
    {
        switch (kind)
        {
            case AuthCommandKind.UserGrantRole: hasRole |= AuthUserGrantRoleRequest.Parser.ParseFrom(body).User == User; break;
            case AuthCommandKind.Enable: isOn = true; break;
            case AuthCommandKind.RoleGrantPermission: isRolePermitted = true; break;
            case AuthCommandKind.RoleRevokePermission: isRolePermitted = false; break;
            case AuthCommandKind.UserRevokeRole: hasRole = false; break;
            default: break;
        }
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds) throw new CheckFailedException(sentence);
    }
}
