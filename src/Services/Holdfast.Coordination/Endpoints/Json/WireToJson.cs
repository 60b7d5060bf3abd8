using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Coordination.Endpoints.Json;

/// <summary>
/// Prints a response as grpc-gateway does: field names as in the protocol, 64-bit numbers as strings, bytes as base64, enums by name, defaults left out.
/// It walks the message's own protobuf bytes, whose order (by number, repeated fields together) is the order that the gateway prints.
/// </summary>
internal static class WireToJson
{
    /// <summary>Appends the message as one JSON object.</summary>
    public static void Write(IMessage message, ByteBuffer output)
    {
        var size = message.CalculateSize();
        var wire = ArrayPool<byte>.Shared.Rent(Math.Max(size, 1));
        try
        {
            message.WriteTo(wire.AsSpan(0, size));
            WriteMessage(wire.AsSpan(0, size), JsonShape.Of(message.Descriptor), output);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(wire);
        }
    }

    /// <summary>Appends a JSON string.</summary>
    public static void WriteString(ReadOnlySpan<byte> utf8, ByteBuffer output)
    {
        Put(output, "\""u8);
        foreach (var one in utf8)
        {
            switch (one)
            {
                case (byte)'"': Put(output, "\\\""u8); break;
                case (byte)'\\': Put(output, "\\\\"u8); break;
                case (byte)'\n': Put(output, "\\n"u8); break;
                case (byte)'\r': Put(output, "\\r"u8); break;
                case (byte)'\t': Put(output, "\\t"u8); break;
                case < 0x20:
                    Put(output, "\\u00"u8);
                    Put(output, [Hex(one >> 4), Hex(one & 15)]);
                    break;
                default: Put(output, [one]); break;
            }
        }

        Put(output, "\""u8);

        static byte Hex(int digit) => "0123456789abcdef"u8[digit];
    }

    /// <summary>Appends bytes as they are.</summary>
    public static void Put(ByteBuffer output, ReadOnlySpan<byte> text)
    {
        text.CopyTo(output.GetSpan(text.Length));
        output.Advance(text.Length);
    }

    private static void WriteMessage(ReadOnlySpan<byte> wire, JsonShape shape, ByteBuffer output)
    {
        Put(output, "{"u8);
        JsonField? open = null;
        var first = true;
        while (!wire.IsEmpty)
        {
            var tag = TakeVarint(ref wire);
            var field = shape.ByNumber((int)(tag >> 3));
            var isDelimited = (tag & 7) == WireBuffer.LengthDelimited;
            var number = isDelimited ? 0 : TakeVarint(ref wire);
            var content = isDelimited ? Take(ref wire, (int)TakeVarint(ref wire)) : default;
            if (field is null) continue;

            if (field == open)
            {
                Put(output, ","u8);
            }
            else
            {
                if (open is not null) Put(output, "]"u8);
                if (!first) Put(output, ","u8);
                first = false;
                Put(output, field.QuotedName);
                open = field.IsRepeated ? field : null;
                if (open is not null) Put(output, "["u8);
            }

            if (isDelimited) WriteDelimited(content, field, output);
            else WriteNumber(number, field, output);
        }

        Put(output, open is null ? "}"u8 : "]}"u8);
    }

    private static void WriteDelimited(ReadOnlySpan<byte> content, JsonField field, ByteBuffer output)
    {
        switch (field.Type)
        {
            case FieldType.Message:
                WriteMessage(content, field.Message, output);
                break;
            case FieldType.String:
                WriteString(content, output);
                break;
            case FieldType.Bytes:
                var span = output.GetSpan(Base64.GetMaxEncodedToUtf8Length(content.Length) + 2);
                span[0] = (byte)'"';
                Base64.EncodeToUtf8(content, span[1..], out _, out var written);
                span[written + 1] = (byte)'"';
                output.Advance(written + 2);
                break;
            default:
                WritePacked(content, field, output);
                break;
        }
    }

    private static void WritePacked(ReadOnlySpan<byte> content, JsonField field, ByteBuffer output)
    {
        for (var first = true; !content.IsEmpty; first = false)
        {
            if (!first) Put(output, ","u8);
            WriteNumber(TakeVarint(ref content), field, output);
        }
    }

    private static void WriteNumber(ulong number, JsonField field, ByteBuffer output)
    {
        switch (field.Type)
        {
            case FieldType.Bool:
                Put(output, number != 0 ? "true"u8 : "false"u8);
                break;
            case FieldType.Enum when field.Enum.FindValueByNumber((int)number) is { } named:
                WriteString(System.Text.Encoding.UTF8.GetBytes(named.Name), output);
                break;
            case FieldType.Int64:
                Put(output, "\""u8);
                PutNumber((long)number, output);
                Put(output, "\""u8);
                break;
            case FieldType.UInt64:
                Put(output, "\""u8);
                PutNumber(number, output);
                Put(output, "\""u8);
                break;
            case FieldType.Int32 or FieldType.Enum:
                PutNumber((int)number, output);
                break;
            default:
                PutNumber(number, output);
                break;
        }
    }

    private static void PutNumber<T>(T number, ByteBuffer output)
        where T : IUtf8SpanFormattable
    {
        number.TryFormat(output.GetSpan(24), out var written, default, CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    private static ulong TakeVarint(ref ReadOnlySpan<byte> wire)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var one = wire[0];
            wire = wire[1..];
            value |= (ulong)(one & 0x7f) << shift;
            if (one < 0x80) return value;
        }

        Invariant.Broken("our own protobuf bytes hold a number of more than ten bytes");
        return 0;
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> wire, int count)
    {
        var taken = wire[..count];
        wire = wire[count..];
        return taken;
    }
}
