using Holdfast.Coordination;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// What one user may do, by the log: an entry in his name is executed exactly when the entries before it permit that, and whatever is asked after an entry
/// changed it and answered before another does is answered by it. The log decides and not what the administrator was told last: an attempt of his that he
/// gave up may arrive long after its repetition was acknowledged, and takes back what was changed since.
/// </summary>
internal sealed class AuthCheck
{
    /// <summary>The user whose permissions change, and the prefix that they are about.</summary>
    public const string User = "u", Role = "r", Prefix = "a/";

    private bool isOn, hasRole, isRolePermitted;
    private int changes;
    private AuthCommandKind asked;
    private bool wasApplied;

    private bool IsPermitted => !isOn || (hasRole && isRolePermitted);

    /// <summary>What is so in the state that some replica has reached, and how often it has changed. What is asked from now on is answered by no older state.</summary>
    public (bool IsPermitted, int Changes) Known => (IsPermitted, changes);

    /// <summary>The administrator asks for a change.</summary>
    public void OnAsked(AuthCommandKind kind) => (asked, wasApplied) = (kind, false);

    /// <summary>He was told that what he asked for last is done.</summary>
    public void OnAcknowledged() => Require(wasApplied, $"{asked} was acknowledged, and no replica had applied it since it was asked for");

    /// <summary>The user was answered, or refused for want of permission.</summary>
    public void OnAnswered((bool IsPermitted, int Changes) whenAsked, bool wasServed, string what)
    {
        if (whenAsked.Changes != changes) return;
        Require(whenAsked.IsPermitted == wasServed, wasServed ? $"{what} was served, and the permission had been taken from the user before" : $"{what} was refused, and the user had been given the permission before");
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

        if (command[0] != (byte)CommandKind.Auth) return;
        var kind = (AuthCommandKind)command[1];
        wasApplied |= kind == asked;
        if (isDone) Follow(kind, command[2..]);
    }

    private void Follow(AuthCommandKind kind, ReadOnlySpan<byte> body)
    {
        var before = IsPermitted;
        switch (kind)
        {
            case AuthCommandKind.UserGrantRole: hasRole |= AuthUserGrantRoleRequest.Parser.ParseFrom(body).User == User; break;
            case AuthCommandKind.Enable: isOn = true; break;
            case AuthCommandKind.RoleGrantPermission: isRolePermitted = true; break;
            case AuthCommandKind.RoleRevokePermission: isRolePermitted = false; break;
            case AuthCommandKind.UserRevokeRole: hasRole = false; break;
            default: break;
        }

        if (IsPermitted != before) changes++;
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds) throw new CheckFailedException(sentence);
    }
}
