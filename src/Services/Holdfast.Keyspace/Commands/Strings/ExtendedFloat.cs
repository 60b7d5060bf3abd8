using System.Globalization;
using System.Numerics;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>
/// A number with a significand of 64 bits, as x86's long double has, in which Redis adds for INCRBYFLOAT and HINCRBYFLOAT: 10.5 + 0.1 is 10.6 there, and in a double it is not. Exact by whole numbers; slow, and
/// used by those two only. Its value is <paramref name="significand"/> times two to the power of <paramref name="exponent"/>.
/// </summary>
internal readonly struct ExtendedFloat(BigInteger significand, int exponent, bool isInfinite = false)
{
    private const int SignificandBits = 64;
    private const int ExponentMax = 16384;
    private const int Digits = 17;

    public static ExtendedFloat Zero => new(BigInteger.Zero, 0);

    /// <summary>Reads a decimal number, whole text, as <c>strtold</c> does; infinity can be read, and not added.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out ExtendedFloat number)
    {
        number = Zero;
        if (text.Length is 0 or >= 5 * 1024) return false;
        var isNegative = text[0] == '-';
        var rest = text[0] is (byte)'-' or (byte)'+' ? text[1..] : text;
        if (Ascii.EqualsIgnoreCase(rest, "inf"u8) || Ascii.EqualsIgnoreCase(rest, "infinity"u8))
        {
            number = new ExtendedFloat(isNegative ? -1 : 1, 0, true);
            return true;
        }

        var digits = new StringBuilder();
        var scale = 0;
        var at = 0;
        for (var hasPoint = false; at < rest.Length && (rest[at] is >= (byte)'0' and <= (byte)'9' || (rest[at] == '.' && !hasPoint)); at++)
        {
            if (rest[at] == '.') hasPoint = true;
            else
            {
                digits.Append((char)rest[at]);
                if (hasPoint) scale--;
            }
        }

        if (digits.Length == 0) return false;
        if (at < rest.Length)
        {
            if ((rest[at] | 0x20) != 'e' || !int.TryParse(rest[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var power) || Math.Abs(power) > 4900) return false;
            scale += power;
        }

        var whole = BigInteger.Parse(digits.ToString(), CultureInfo.InvariantCulture);
        if (isNegative) whole = -whole;
        number = scale >= 0 ? Round(whole * BigInteger.Pow(10, scale), 0) : Divide(whole, BigInteger.Pow(10, -scale));
        return true;
    }

    /// <summary>The sum, rounded to nearest; false when it is no number.</summary>
    public bool TryAdd(ExtendedFloat other, out ExtendedFloat sum)
    {
        sum = Zero;
        if (isInfinite || other.IsInfinite) return false;
        var low = Math.Min(exponent, other.Exponent);
        sum = Round((significand << (exponent - low)) + (other.Significand << (other.Exponent - low)), low);
        return !sum.IsInfinite;
    }

    /// <summary>As <c>%.17Lf</c>, with the zeros at the end cut.</summary>
    public byte[] ToBytes()
    {
        var scaled = BigInteger.Abs(significand) * BigInteger.Pow(10, Digits);
        if (exponent >= 0)
        {
            scaled <<= exponent;
        }
        else
        {
            var half = BigInteger.One << (-exponent - 1);
            var remainder = scaled & ((BigInteger.One << -exponent) - 1);
            scaled >>= -exponent;
            if (remainder > half || (remainder == half && !scaled.IsEven)) scaled++;
        }

        var text = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(Digits + 1, '0');
        var result = $"{text[..^Digits]}.{text[^Digits..]}".TrimEnd('0').TrimEnd('.');
        if (significand.Sign < 0) result = "-" + result;
        return Encoding.ASCII.GetBytes(result == "-0" ? "0" : result);
    }

    private BigInteger Significand => significand;

    private int Exponent => exponent;

    /// <summary>Whether it is an infinity.</summary>
    public bool IsInfinite => isInfinite;

    private static ExtendedFloat Divide(BigInteger numerator, BigInteger denominator)
    {
        if (numerator.IsZero) return Zero;

        // Enough bits that the quotient has more than 64, and one more below them that says whether anything was left.
        var shift = (int)Math.Max(0, SignificandBits + 3 + denominator.GetBitLength() - BigInteger.Abs(numerator).GetBitLength());
        var quotient = BigInteger.DivRem(BigInteger.Abs(numerator) << shift, denominator, out var left);
        quotient = (quotient << 1) | (left.IsZero ? 0 : 1);
        return Round(numerator.Sign < 0 ? -quotient : quotient, -shift - 1);
    }

    private static ExtendedFloat Round(BigInteger value, int power)
    {
        var magnitude = BigInteger.Abs(value);
        var excess = (int)(magnitude.GetBitLength() - SignificandBits);
        if (excess > 0)
        {
            var half = BigInteger.One << (excess - 1);
            var remainder = magnitude & ((BigInteger.One << excess) - 1);
            magnitude >>= excess;
            if (remainder > half || (remainder == half && !magnitude.IsEven)) magnitude++;
            power += excess;
        }

        return new ExtendedFloat(value.Sign < 0 ? -magnitude : magnitude, power, magnitude.GetBitLength() + power > ExponentMax);
    }
}
