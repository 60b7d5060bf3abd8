using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>What concerns the connection: greeting, asking whether anybody is there, leaving.</summary>
internal sealed class ConnectionCommands : ICommandFamily
{
    /// <summary>The version of Redis whose replies are given.</summary>
    public const string RedisVersion = "7.0.15";

    public void Bind(CommandTable table)
    {
        table.Bind("ping", Ping, "Asks whether the server is there");
        table.Bind("echo", call => call.Reply.Bulk(call[1]), "Returns what it was given");
        table.Bind("hello", Hello, "Agrees on the protocol's version, signs in, and says who serves");
        table.Bind("auth", Auth, "Signs a user in");
        table.Bind("select", Select, "Chooses a database; there is only one");
        table.Bind("quit", Quit, "Ends the connection", CommandPlace.Connection);
        table.Bind("reset", Reset, "Makes the connection as if it were new", CommandPlace.Connection);
        table.Bind("readonly", call => SetReadOnly(call, true), "Allows reads from replicas");
        table.Bind("readwrite", call => SetReadOnly(call, false), "Allows no reads from replicas");
        table.Bind("asking", Asking, "Lets the next command go to a slot that is coming here");
    }

    private static void Ping(CommandCall call)
    {
        if (call.Count > 2) call.WrongArity();
        else if (call.Client is { IsOnlyListening: true })
        {
            call.Reply.Array(2);
            call.Reply.Bulk("pong"u8);
            call.Reply.Bulk(call.Count == 2 ? call[1] : default);
        }
        else if (call.Count == 2) call.Reply.Bulk(call[1]);
        else call.Reply.Simple("PONG"u8);
    }

    private static void Hello(CommandCall call)
    {
        var client = call.Client!;
        var at = 1;
        var version = 0L;
        if (call.Count > 1 && (!Wire.Resp.RespNumber.TryParse(call[at++], out version) || version is < 2 or > 3))
        {
            call.Reply.Error(Wire.Resp.RespNumber.TryParse(call[1], out long _) ? "NOPROTO unsupported protocol version"u8 : "ERR Protocol version is not an integer or out of range"u8);
            return;
        }

        var name = default(string);
        for (; at < call.Count; at++)
        {
            if (call.Is(at, "AUTH"u8) && at + 2 < call.Count)
            {
                if (!TrySignIn(call, call[at + 1], call[at + 2])) return;
                at += 2;
            }
            else if (call.Is(at, "SETNAME"u8) && at + 1 < call.Count)
            {
                if (!ClientCommands.TryName(call, call[++at], out name)) return;
            }
            else
            {
                call.Reply.Error($"ERR Syntax error in HELLO option '{Encoding.UTF8.GetString(call[at])}'");
                return;
            }
        }

        if (client.User is null)
        {
            call.Reply.Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"u8);
            return;
        }

        if (name is not null) client.Traits.Name = name;
        if (version > 0) call.Reply.Protocol = (int)version;
        ReplyHello(call, client);
    }

    private static void ReplyHello(CommandCall call, ClientSession client)
    {
        var reply = call.Reply;
        reply.Map(7);
        reply.Bulk("server"u8);
        reply.Bulk("redis"u8);
        reply.Bulk("version"u8);
        reply.Bulk(RedisVersion);
        reply.Bulk("proto"u8);
        reply.Integer(reply.Protocol);
        reply.Bulk("id"u8);
        reply.Integer(client.Id);
        reply.Bulk("mode"u8);
        reply.Bulk("cluster"u8);
        reply.Bulk("role"u8);
        reply.Bulk("master"u8);
        reply.Bulk("modules"u8);
        reply.Array(0);
    }

    private static void Auth(CommandCall call)
    {
        if (call.Count > 3)
        {
            call.SyntaxError();
            return;
        }

        var isOld = call.Count == 2;
        if (TrySignIn(call, isOld ? "default"u8 : call[1], call[call.Count - 1], isOld)) call.Reply.Ok();
    }

    /// <summary>Signs the client in; otherwise the error is the reply, and the try is written down.</summary>
    private static bool TrySignIn(CommandCall call, ReadOnlySpan<byte> user, ReadOnlySpan<byte> password, bool isOld = false)
    {
        if (isOld && call.Node.Users.Default.HasNoPassword)
        {
            call.Reply.Error("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"u8);
            return false;
        }

        var name = Encoding.Latin1.GetString(user);
        if (call.Node.Users.Find(name) is { } known && known.Accepts(password))
        {
            call.Client!.Identity.SignIn(known);
            return true;
        }

        AclGate.Write(call.Node, call.Client!, AclVerdict.Authentication, call.Client!.Transaction.IsOpen ? "multi" : "toplevel", Encoding.Latin1.GetString(call[0]), name);
        call.Reply.Error("WRONGPASS invalid username-password pair or user is disabled."u8);
        return false;
    }

    private static void Select(CommandCall call)
    {
        if (!Wire.Resp.RespNumber.TryParse(call[1], out long database)) call.Reply.Error(CommandErrors.NotAnInteger);
        else if (database == 0) call.Reply.Ok();
        else call.Reply.Error("ERR SELECT is not allowed in cluster mode"u8);
    }

    private static void Quit(CommandCall call)
    {
        call.Client!.IsLeaving = true;
        call.Reply.Ok();
    }

    private static void Reset(CommandCall call)
    {
        call.Client!.Reset();
        call.Reply.Simple("RESET"u8);
    }

    private static void SetReadOnly(CommandCall call, bool isReadOnly)
    {
        call.Client!.IsReadOnly = isReadOnly;
        call.Reply.Ok();
    }

    private static void Asking(CommandCall call)
    {
        call.Client!.IsAsking = true;
        call.Reply.Ok();
    }

    internal static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
