using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Which words of a command nobody may read in the slow log or by MONITOR, because they are secrets, or may be.</summary>
internal static class Redaction
{
    /// <summary>What is shown in the place of such a word.</summary>
    public static ReadOnlySpan<byte> Shown => "(redacted)"u8;

    public static bool Hides(CommandSpec spec, RespArguments words, int at) => spec.Name switch
    {
        "auth" => at > 0,
        "acl|setuser" or "acl|deluser" or "acl|getuser" => at > 1,
        "config|set" => at > 2 && at % 2 != 0 && IsSecret(words[at - 1]),
        "hello" => FollowsWord(words, at, "AUTH"u8, 2),
        "migrate" => FollowsWord(words, at, "AUTH"u8, 1) || FollowsWord(words, at, "AUTH2"u8, 2),
        _ => false,
    };

    private static bool IsSecret(ReadOnlySpan<byte> setting) =>
        Ascii.EqualsIgnoreCase(setting, "requirepass"u8) || Ascii.EqualsIgnoreCase(setting, "masterauth"u8) || Ascii.EqualsIgnoreCase(setting, "masteruser"u8)
        || Ascii.EqualsIgnoreCase(setting, "tls-key-file-pass"u8) || Ascii.EqualsIgnoreCase(setting, "tls-client-key-file-pass"u8);

    private static bool FollowsWord(RespArguments words, int at, ReadOnlySpan<byte> word, int within)
    {
        for (var back = 1; back <= within && at - back > 0; back++)
            if (Ascii.EqualsIgnoreCase(words[at - back], word)) return true;
        return false;
    }
}
