using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>How strings are laid out, so that OBJECT ENCODING says what Redis says.</summary>
internal static class StringValue
{
    private const int EmbeddedMax = 44;

    /// <summary>How many bytes a string may have (proto-max-bulk-len).</summary>
    public const long BytesMax = 512L * 1024 * 1024;

    /// <summary>The encoding of a value that is set as a whole.</summary>
    public static ValueEncoding EncodingOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > EmbeddedMax) return ValueEncoding.Raw;
        return bytes.Length <= 20 && RespNumber.TryParse(bytes, out long _) ? ValueEncoding.Int : ValueEncoding.EmbeddedString;
    }

    /// <summary>Sets a key to a string.</summary>
    public static void Set(this CommandCall call, scoped ref KeyPlace place, scoped ReadOnlySpan<byte> bytes, long expiry = -1) =>
        call.Keyspace.Set(ref place, ValueKind.String, EncodingOf(bytes), bytes, expiry);

    /// <summary>A string as a bulk reply, or null.</summary>
    public static void ReplyValue(this CommandCall call, in KeyPlace place)
    {
        if (place.Exists) call.Reply.Bulk(place.Bytes);
        else call.Reply.Null();
    }
}
