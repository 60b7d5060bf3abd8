using System.Text;

namespace Holdfast.Keyspace;

/// <summary>DEBUG PROTOCOL: a value of each type of the protocol, for tests of parsers.</summary>
internal static class DebugProtocol
{
    public static void Reply(CommandCall call)
    {
        var reply = call.Reply;
        switch (Encoding.ASCII.GetString(call[2]).ToLowerInvariant())
        {
            case "string": reply.Bulk("Hello World"u8); break;
            case "integer": reply.Integer(12345); break;
            case "double": reply.Double(3.141); break;
            case "null": reply.Null(); break;
            case "array":
                reply.Array(3);
                for (var i = 0; i < 3; i++) reply.Integer(i);
                break;
            case "set":
                reply.Set(3);
                for (var i = 0; i < 3; i++) reply.Integer(i);
                break;
            case "map":
                reply.Map(3);
                for (var i = 0; i < 3; i++)
                {
                    reply.Integer(i);
                    reply.Boolean(i == 1);
                }

                break;
            case "attrib":
                if (reply.Protocol >= 3)
                {
                    reply.Raw("|1\r\n"u8);
                    reply.Bulk("key-popularity"u8);
                    reply.Array(2);
                    reply.Bulk("key:123"u8);
                    reply.Integer(90);
                }

                reply.Bulk("Some real reply following the attribute"u8);
                break;
            case "push" when reply.Protocol >= 3:
                reply.Push(2);
                reply.Bulk("server-cpu-usage"u8);
                reply.Integer(42);
                break;
            case "push": reply.Error("ERR RESP2 is not supported by this command"u8); break;
            case "verbatim": reply.Verbatim("txt"u8, "This is a verbatim\nstring"u8); break;
            case "true": reply.Boolean(true); break;
            case "false": reply.Boolean(false); break;
            case "bignum" when reply.Protocol >= 3: reply.Raw("(1234567999999999999999999999999999999\r\n"u8); break;
            case "bignum": reply.Bulk("1234567999999999999999999999999999999"u8); break;
            default: reply.Error("ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"u8); break;
        }
    }
}
