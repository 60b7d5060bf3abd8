using System.Text;

namespace Holdfast.Wire.Resp;

/// <summary>
/// Writes replies. What RESP3 has a type for and RESP2 has not is written to an older client in the form that Redis gives it there: maps and sets as arrays, doubles
/// and big numbers as bulk strings, booleans as 0 and 1.
/// </summary>
public sealed class RespWriter(ByteBuffer target)
{
    /// <summary>Where it writes.</summary>
    public ByteBuffer Target => target;

    /// <summary>Bytes beyond which nothing more is written: as much as a buffer can hold and still grow. Whoever is owed that much is cut off.</summary>
    public const int BytesMax = 960 * 1024 * 1024;

    /// <summary>Something was not written, because more than <see cref="BytesMax"/> would have stood there.</summary>
    public bool IsCut { get; private set; }

    /// <summary>2 or 3; what the client asked for by HELLO.</summary>
    public int Protocol { get; set; } = 2;

    /// <summary>A short status such as OK.</summary>
    public void Simple(ReadOnlySpan<byte> text) => Line((byte)'+', text);

    /// <summary>"+OK".</summary>
    public void Ok() => Raw("+OK\r\n"u8);

    /// <summary>An error; the text begins with its code, and has no line breaks.</summary>
    public void Error(ReadOnlySpan<byte> text) => Line((byte)'-', text);

    /// <summary>An error; the text begins with its code. Line breaks in it become spaces.</summary>
    public void Error(string text)
    {
        Span<byte> bytes = text.Length <= 256 ? stackalloc byte[768] : new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        bytes = bytes[..Encoding.UTF8.GetBytes(text, bytes)];
        foreach (ref var letter in bytes)
            if (letter is (byte)'\r' or (byte)'\n') letter = (byte)' ';
        Line((byte)'-', bytes);
    }

    /// <summary>A whole number.</summary>
    public void Integer(long number) => Header((byte)':', number);

    /// <summary>A bulk string.</summary>
    public void Bulk(ReadOnlySpan<byte> bytes)
    {
        if (!HasRoom(bytes.Length)) return;
        var span = target.GetSpan(bytes.Length + 16);
        span[0] = (byte)'$';
        var at = 1 + RespNumber.Format(bytes.Length, span[1..]);
        span[at++] = (byte)'\r';
        span[at++] = (byte)'\n';
        bytes.CopyTo(span[at..]);
        at += bytes.Length;
        span[at++] = (byte)'\r';
        span[at++] = (byte)'\n';
        target.Advance(at);
    }

    /// <summary>Text as a bulk string.</summary>
    public void Bulk(string text)
    {
        if (text.Length <= 128)
        {
            Span<byte> bytes = stackalloc byte[384];
            Bulk(bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
        }
        else
        {
            Bulk(Encoding.UTF8.GetBytes(text));
        }
    }

    /// <summary>A whole number as a bulk string.</summary>
    public void BulkInteger(long number)
    {
        Span<byte> text = stackalloc byte[24];
        Bulk(text[..RespNumber.Format(number, text)]);
    }

    /// <summary>Nothing, where a value could have been.</summary>
    public void Null() => Raw(Protocol >= 3 ? "_\r\n"u8 : "$-1\r\n"u8);

    /// <summary>Nothing, where an array could have been.</summary>
    public void NullArray() => Raw(Protocol >= 3 ? "_\r\n"u8 : "*-1\r\n"u8);

    /// <summary>The beginning of an array; that many values follow.</summary>
    public void Array(long count) => Header((byte)'*', count);

    /// <summary>The beginning of a map; that many pairs follow.</summary>
    public void Map(long pairs) => Header(Protocol >= 3 ? (byte)'%' : (byte)'*', Protocol >= 3 ? pairs : pairs * 2);

    /// <summary>The beginning of a set; that many values follow.</summary>
    public void Set(long count) => Header(Protocol >= 3 ? (byte)'~' : (byte)'*', count);

    /// <summary>The beginning of a push; that many values follow.</summary>
    public void Push(long count) => Header(Protocol >= 3 ? (byte)'>' : (byte)'*', count);

    /// <summary>A float.</summary>
    public void Double(double number)
    {
        Span<byte> text = stackalloc byte[RespNumber.BytesMax];
        var digits = text[..RespNumber.Format(number, text)];
        if (Protocol >= 3) Line((byte)',', digits);
        else Bulk(digits);
    }

    /// <summary>Yes or no.</summary>
    public void Boolean(bool value) => Raw(Protocol >= 3 ? (value ? "#t\r\n"u8 : "#f\r\n"u8) : value ? ":1\r\n"u8 : ":0\r\n"u8);

    /// <summary>A text for people, with a three-letter kind such as "txt".</summary>
    public void Verbatim(ReadOnlySpan<byte> kind, ReadOnlySpan<byte> text)
    {
        if (Protocol < 3)
        {
            Bulk(text);
            return;
        }

        Header((byte)'=', text.Length + 4);
        Raw(kind);
        Raw(":"u8);
        Raw(text);
        Raw("\r\n"u8);
    }

    /// <summary>Bytes as they are.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        if (!HasRoom(bytes.Length)) return;
        bytes.CopyTo(target.GetSpan(bytes.Length));
        target.Advance(bytes.Length);
    }

    private void Line(byte type, ReadOnlySpan<byte> text)
    {
        if (!HasRoom(text.Length)) return;
        var span = target.GetSpan(text.Length + 3);
        span[0] = type;
        text.CopyTo(span[1..]);
        span[text.Length + 1] = (byte)'\r';
        span[text.Length + 2] = (byte)'\n';
        target.Advance(text.Length + 3);
    }

    private void Header(byte type, long number)
    {
        if (!HasRoom(0)) return;
        var span = target.GetSpan(32);
        span[0] = type;
        var at = 1 + RespNumber.Format(number, span[1..]);
        span[at++] = (byte)'\r';
        span[at++] = (byte)'\n';
        target.Advance(at);
    }

    private bool HasRoom(int bytes)
    {
        if (target.Length <= BytesMax - 32 - bytes) return true;
        IsCut = true;
        return false;
    }
}
