using System.Globalization;

namespace Holdfast.Keyspace;

/// <summary>Numbers as C's <c>%.Ng</c> writes them.</summary>
internal static class GeneralNumber
{
    /// <summary>The text of a finite number with at most so many significant digits.</summary>
    public static string Show(double number, int precision)
    {
        if (number == 0) return double.IsNegative(number) ? "-0" : "0";
        var scientific = number.ToString("E" + (precision - 1).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var mark = scientific.IndexOf('E', StringComparison.Ordinal);
        var exponent = int.Parse(scientific.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var sign = number < 0 ? "-" : "";
        var digits = scientific[..mark].TrimStart('-').Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        if (exponent < -4 || exponent >= precision)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }

        if (exponent < 0) return sign + "0." + new string('0', -exponent - 1) + digits;
        if (digits.Length <= exponent + 1) return sign + digits.PadRight(exponent + 1, '0');
        return $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }
}
