namespace Holdfast.Wire.Resp;

/// <summary>
/// A glance at requests that are yet to be read: where the second word of each stands, which for nearly all commands is a key. Only for who wants to be prepared: what is not whole, is not written as
/// clients write it, or has many words ends the glance and says nothing else.
/// </summary>
public static class RespGlance
{
    /// <summary>Words of a request beyond which looking costs more than it brings.</summary>
    public const int WordsMax = 8;

    private const int DigitsMax = 8;

    /// <summary>Passes over the request at a place; false when the glance ends here.</summary>
    /// <param name="bytes">What came.</param>
    /// <param name="at">Where the request begins; afterwards, where the next one does.</param>
    /// <param name="wordAt">Where its second word begins.</param>
    /// <param name="wordLength">Bytes of that word; 0 when it has none.</param>
    public static bool TryPass(ReadOnlySpan<byte> bytes, ref int at, out int wordAt, out int wordLength)
    {
        (wordAt, wordLength) = (0, 0);
        var next = at;
        if (!TryNumber(bytes, (byte)'*', ref next, out var words) || words > WordsMax) return false;
        for (var i = 0; i < words; i++)
        {
            if (!TryNumber(bytes, (byte)'$', ref next, out var length) || length + 2 > bytes.Length - next) return false;
            if (i == 1) (wordAt, wordLength) = (next, length);
            next += length + 2;
        }

        at = next;
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<byte> bytes, byte type, ref int at, out int number)
    {
        number = 0;
        if ((uint)at >= (uint)bytes.Length || bytes[at] != type) return false;
        var digits = bytes[(at + 1)..];
        var count = 0;
        for (; count < digits.Length && (uint)(digits[count] - '0') <= 9; count++)
        {
            if (count == DigitsMax) return false;
            number = (number * 10) + (digits[count] - '0');
        }

        at += count + 3;
        return count > 0 && count + 1 < digits.Length && digits[count] == '\r';
    }
}
