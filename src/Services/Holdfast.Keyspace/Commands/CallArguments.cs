using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Reading arguments, with the error said when one is not what it should be.</summary>
internal static class CallArguments
{
    /// <summary>A whole number; otherwise the error is the reply.</summary>
    public static bool TryInteger(this CommandCall call, int argument, out long number)
    {
        if (RespNumber.TryParse(call[argument], out number)) return true;
        call.Reply.Error(CommandErrors.NotAnInteger);
        return false;
    }

    /// <summary>A float; otherwise the error is the reply.</summary>
    public static bool TryFloat(this CommandCall call, int argument, out double number)
    {
        if (RespNumber.TryParse(call[argument], out number)) return true;
        call.Reply.Error(CommandErrors.NotAFloat);
        return false;
    }

    /// <summary>Whether an argument is this word, in any case.</summary>
    public static bool Is(this CommandCall call, int argument, ReadOnlySpan<byte> word) => Ascii.EqualsIgnoreCase(call[argument], word);

    /// <summary>The reply "syntax error".</summary>
    public static void SyntaxError(this CommandCall call) => call.Reply.Error(CommandErrors.Syntax);

    /// <summary>The reply for a subcommand or command with too few or too many arguments.</summary>
    public static void WrongArity(this CommandCall call) => call.Reply.Error($"ERR wrong number of arguments for '{call.Spec.Name}' command");
}
