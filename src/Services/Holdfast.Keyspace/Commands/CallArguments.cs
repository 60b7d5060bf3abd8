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

    /// <summary>A whole number that is not negative; otherwise the error is the reply, in other words than the usual if they are given.</summary>
    public static bool TryPositive(this CommandCall call, int argument, out long number, ReadOnlySpan<byte> refusal = default) => call.TryBetween(argument, 0, out number, refusal);

    /// <summary>A whole number of at least so much; otherwise the error is the reply, in other words than the usual if they are given.</summary>
    public static bool TryBetween(this CommandCall call, int argument, long least, out long number, ReadOnlySpan<byte> refusal = default)
    {
        if (RespNumber.TryParse(call[argument], out number) && number >= least) return true;
        call.Reply.Error(refusal.IsEmpty ? CommandErrors.NotPositive : refusal);
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

    /// <summary>The reply for a subcommand with arguments that it does not take: its name as it was said.</summary>
    public static void WrongSubcommand(this CommandCall call) => call.Reply.Error($"ERR unknown subcommand or wrong number of arguments for '{Encoding.Latin1.GetString(call[1])}'. Try {call.Spec.Name.Split('|')[0].ToUpperInvariant()} HELP.");

    /// <summary>The reply for a subcommand or command with too few or too many arguments.</summary>
    public static void WrongArity(this CommandCall call) => call.Reply.Error($"ERR wrong number of arguments for '{call.Spec.Name}' command");
}
