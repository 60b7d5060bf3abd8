using Google.Protobuf;
using Holdfast.Wire;
using System.Text;

namespace Holdfast.Coordination.Permissions;

/// <summary>What an entry of kind <see cref="CommandKind.Auth"/> changes: its second byte. Part of the log's format: never renumber.</summary>
internal enum AuthCommandKind : byte
{
    /// <summary>Auth is switched on; the body is the token secret that was drawn for it.</summary>
    Enable = 1,

    /// <summary>Auth is switched off.</summary>
    Disable = 2,

    /// <summary>An AuthUserAddRequest without a password; hashedPassword holds the finished verifier.</summary>
    UserAdd = 3,

    /// <summary>An AuthUserDeleteRequest.</summary>
    UserDelete = 4,

    /// <summary>An AuthUserChangePasswordRequest; as for <see cref="UserAdd"/>.</summary>
    UserChangePassword = 5,

    /// <summary>An AuthUserGrantRoleRequest.</summary>
    UserGrantRole = 6,

    /// <summary>An AuthUserRevokeRoleRequest.</summary>
    UserRevokeRole = 7,

    /// <summary>An AuthRoleAddRequest.</summary>
    RoleAdd = 8,

    /// <summary>An AuthRoleDeleteRequest.</summary>
    RoleDelete = 9,

    /// <summary>An AuthRoleGrantPermissionRequest.</summary>
    RoleGrantPermission = 10,

    /// <summary>An AuthRoleRevokePermissionRequest.</summary>
    RoleRevokePermission = 11,
}

/// <summary>Auth changes as bytes, and any command with who asked for it.</summary>
internal static class AuthCommand
{
    /// <summary>Bytes of a name of a user or role.</summary>
    public const int NameBytesMax = 4096;

    /// <summary>The bytes to propose for a change.</summary>
    public static byte[] Encode(AuthCommandKind kind, IMessage request) => Encode(kind, request.ToByteArray());

    /// <summary>The bytes to propose for a change.</summary>
    public static byte[] Encode(AuthCommandKind kind, ReadOnlySpan<byte> body) => [(byte)CommandKind.Auth, (byte)kind, .. body];

    /// <summary>The command in the name of someone: kind, revision, name, then the command itself.</summary>
    public static byte[] InTheNameOf(in Requester who, byte[] command)
    {
        var name = Encoding.UTF8.GetBytes(who.User ?? "");
        var bytes = new ByteBuffer(command.Length + name.Length + 16);
        var writer = new SpanWriter(bytes);
        writer.WriteByte((byte)CommandKind.Authorized);
        writer.WriteUInt64(who.Revision);
        writer.WriteBlock(name);
        writer.WriteBytes(command);
        return bytes.Written.ToArray();
    }

    /// <summary>Takes the name off a command that has one. False: it is not whole, or is a name within a name.</summary>
    public static bool TryTakeName(ref ReadOnlySpan<byte> command, out Requester who)
    {
        var reader = new SpanReader(command[1..]);
        var revision = reader.ReadUInt64();
        var name = reader.ReadBlock();
        who = new Requester(Encoding.UTF8.GetString(name), revision);
        command = reader.Rest;
        return reader.IsWhole && command.Length > 0 && command[0] != (byte)CommandKind.Authorized;
    }
}
