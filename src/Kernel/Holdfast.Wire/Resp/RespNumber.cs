using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Holdfast.Wire.Resp;

/// <summary>Numbers as Redis writes and reads them.</summary>
public static class RespNumber
{
    /// <summary>Bytes that any number takes at most.</summary>
    public const int BytesMax = 40;

    /// <summary>A whole number written as Redis would write it itself: no sign but minus, no leading zeros, no spaces.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        if (text.Length is 0 or > 20) return false;
        var digits = text[0] == '-' ? text[1..] : text;
        if (digits.Length == 0 || (digits[0] == '0' && text.Length > 1) || digits[0] is < (byte)'0' or > (byte)'9') return false;
        if (text.Length > 18) return Utf8Parser.TryParse(text, out number, out var used) && used == text.Length;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            number = (number * 10) + (digit - '0');
        }

        if (digits.Length != text.Length) number = -number;
        return true;
    }

    /// <summary>Writes a whole number; returns how many bytes.</summary>
    public static int Format(long number, Span<byte> target)
    {
        Utf8Formatter.TryFormat(number, target, out var written);
        return written;
    }

    /// <summary>A float as <c>strtod</c> reads it, whole text, no spaces, not NaN: decimal, exponent, "inf".</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out double number)
    {
        number = 0;
        if (text.Length is 0 or > 512) return false;
        var digits = text[0] is (byte)'+' or (byte)'-' ? text[1..] : text;
        if (digits.Length == 0) return false;
        if (Ascii.EqualsIgnoreCase(digits, "inf"u8) || Ascii.EqualsIgnoreCase(digits, "infinity"u8))
        {
            number = text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        if (digits.Length > 2 && digits[0] == '0' && (digits[1] | 0x20) == 'x') return TryParseHex(digits[2..], text[0] == '-', out number);
        foreach (var letter in digits)
            if (letter is not ((>= (byte)'0' and <= (byte)'9') or (byte)'.' or (byte)'e' or (byte)'E' or (byte)'+' or (byte)'-')) return false;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && !double.IsNaN(number);
    }

    /// <summary>Writes a float as <c>%.17g</c> does, and a whole one as an integer; returns how many bytes.</summary>
    public static int Format(double number, Span<byte> target)
    {
        if (double.IsInfinity(number))
        {
            var text = number > 0 ? "inf"u8 : "-inf"u8;
            text.CopyTo(target);
            return text.Length;
        }

        if (double.IsNaN(number))
        {
            var nothing = double.IsNegative(number) ? "-nan"u8 : "nan"u8;
            nothing.CopyTo(target);
            return nothing.Length;
        }

        if (number == 0)
        {
            var zero = double.IsNegative(number) ? "-0"u8 : "0"u8;
            zero.CopyTo(target);
            return zero.Length;
        }

        if (Math.Abs(number) < (1L << 52) && number == (long)number) return Format((long)number, target);
        return FormatGeneral(number, target);
    }

    private static bool TryParseHex(ReadOnlySpan<byte> digits, bool isNegative, out double number)
    {
        number = 0;
        if (digits.Length is 0 or > 16 || !ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var whole)) return false;
        number = isNegative ? -(double)whole : whole;
        return true;
    }

    /// <summary>C's <c>%.17g</c>: 17 significant digits, zeros at the end cut, an exponent below 1e-4 and from 1e17 on.</summary>
    private static int FormatGeneral(double number, Span<byte> target)
    {
        Span<byte> scientific = stackalloc byte[32];
        number.TryFormat(scientific, out var length, "E16", CultureInfo.InvariantCulture);
        var text = scientific[..length];
        var at = 0;
        if (text[0] == '-')
        {
            target[at++] = (byte)'-';
            text = text[1..];
        }

        Span<byte> digits = stackalloc byte[17];
        digits[0] = text[0];
        text[2..18].CopyTo(digits[1..]);
        Utf8Parser.TryParse(text[19..], out int exponent, out _);
        if (text[18] != 'E') exponent = 0;
        var count = 17;
        while (count > 1 && digits[count - 1] == '0') count--;
        return at + Lay(digits[..count], exponent, target[at..]);
    }

    private static int Lay(ReadOnlySpan<byte> digits, int exponent, Span<byte> target)
    {
        var at = 0;
        if (exponent is < -4 or >= 17)
        {
            target[at++] = digits[0];
            if (digits.Length > 1)
            {
                target[at++] = (byte)'.';
                digits[1..].CopyTo(target[at..]);
                at += digits.Length - 1;
            }

            target[at++] = (byte)'e';
            target[at++] = exponent < 0 ? (byte)'-' : (byte)'+';
            exponent = Math.Abs(exponent);
            if (exponent < 10) target[at++] = (byte)'0';
            return at + Format((long)exponent, target[at..]);
        }

        if (exponent < 0)
        {
            target[at++] = (byte)'0';
            target[at++] = (byte)'.';
            for (var zeros = -exponent - 1; zeros > 0; zeros--) target[at++] = (byte)'0';
            digits.CopyTo(target[at..]);
            return at + digits.Length;
        }

        for (var i = 0; i < Math.Max(digits.Length, exponent + 1); i++)
        {
            if (i == exponent + 1) target[at++] = (byte)'.';
            target[at++] = i < digits.Length ? digits[i] : (byte)'0';
        }

        return at;
    }
}
