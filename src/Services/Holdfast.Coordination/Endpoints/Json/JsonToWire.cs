using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Google.Protobuf.Reflection;
using Holdfast.Coordination.Endpoints.Methods;

namespace Holdfast.Coordination.Endpoints.Json;

/// <summary>
/// Writes a JSON request as protobuf bytes. Unknown fields are passed over (etcd 3.4 to 3.6 do so), null is absent, numbers of 64 bits come as numbers or
/// strings, bytes as base64 of either alphabet with or without padding, enums as names or numbers. The error texts are Go's where clients may see them.
/// </summary>
internal static class JsonToWire
{
    private const int DepthMax = 64;

    private static ReadOnlySpan<byte> Alphabet => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"u8;

    /// <summary>Options for a reader of request bodies.</summary>
    public static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = DepthMax, AllowMultipleValues = true };

    /// <summary>Transcodes the first JSON value of <paramref name="json"/>; nothing at all is the empty message. What follows the value is ignored, as by grpc-gateway.</summary>
    /// <exception cref="CallException">The JSON is broken or does not fit the message.</exception>
    public static void Write(ReadOnlySequence<byte> json, JsonShape shape, WireBuffer output)
    {
        if (json.IsEmpty) return;
        var reader = new Utf8JsonReader(json, isFinalBlock: true, new JsonReaderState(ReaderOptions));
        try
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null) return;
            WriteMessage(ref reader, shape, output);
        }
        catch (JsonException broken)
        {
            throw Refuse(Describe(json, broken));
        }
        catch (InvalidOperationException)
        {
            throw Refuse("invalid UTF-8 in string");
        }
    }

    private static string Describe(ReadOnlySequence<byte> json, JsonException broken)
    {
        var text = json.IsSingleSegment ? json.FirstSpan : json.ToArray();
        // Lines count from zero; a position at the very end means that something is missing rather than wrong.
        var line = broken.LineNumber ?? 0;
        var start = 0;
        for (; line > 0; line--) start += text[start..].IndexOf((byte)'\n') + 1;
        var at = start + (int)(broken.BytePositionInLine ?? 0);
        if (at >= text.Length) return "unexpected EOF";
        return $"invalid character '{(char)text[at]}' looking for beginning of value";
    }

    private static void WriteMessage(ref Utf8JsonReader reader, JsonShape shape, WireBuffer output)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Mismatch(ref reader, "map[string]json.RawMessage");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var field = FieldOf(ref reader, shape);
            reader.Read();
            if (field is null)
            {
                reader.Skip();
                continue;
            }

            if (reader.TokenType == JsonTokenType.Null) continue;
            if (field.IsRepeated) WriteRepeated(ref reader, field, output);
            else WriteValue(ref reader, field, output);
        }
    }

    /// <summary>The field of that name; null for an unknown one, and a name that is no UTF-8 is one, as to Go.</summary>
    private static JsonField? FieldOf(ref Utf8JsonReader reader, JsonShape shape)
    {
        try
        {
            return shape.ByName(reader.GetString()!);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static void WriteRepeated(ref Utf8JsonReader reader, JsonField field, WireBuffer output)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Mismatch(ref reader, "[]json.RawMessage");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.Null) throw Refuse("null in an array");
            WriteValue(ref reader, field, output);
        }
    }

    private static void WriteValue(ref Utf8JsonReader reader, JsonField field, WireBuffer output)
    {
        switch (field.Type)
        {
            case FieldType.Message:
                output.WriteTag(field.Number, WireBuffer.LengthDelimited);
                var start = output.BeginLengthPrefixed();
                WriteMessage(ref reader, field.Message, output);
                output.EndLengthPrefixed(start);
                break;
            case FieldType.Bytes:
                if (reader.TokenType != JsonTokenType.String) throw Mismatch(ref reader, "[]uint8");
                output.WriteTag(field.Number, WireBuffer.LengthDelimited);
                WriteBase64(ref reader, output);
                break;
            case FieldType.String:
                if (reader.TokenType != JsonTokenType.String) throw Mismatch(ref reader, "string");
                output.WriteTag(field.Number, WireBuffer.LengthDelimited);
                output.WriteLengthPrefixed(Encoding.UTF8.GetBytes(reader.GetString()!));
                break;
            case FieldType.Bool:
                if (reader.TokenType is not (JsonTokenType.True or JsonTokenType.False)) throw Mismatch(ref reader, "bool");
                output.WriteTag(field.Number, WireBuffer.Varint);
                output.WriteVarint(reader.TokenType == JsonTokenType.True ? 1u : 0u);
                break;
            case FieldType.Enum:
                output.WriteTag(field.Number, WireBuffer.Varint);
                output.WriteVarint((ulong)ReadEnum(ref reader, field.Enum));
                break;
            default:
                output.WriteTag(field.Number, WireBuffer.Varint);
                output.WriteVarint(ReadInteger(ref reader, field.Type));
                break;
        }
    }

    private static long ReadEnum(ref Utf8JsonReader reader, EnumDescriptor type)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number)) return number;
        if (reader.TokenType != JsonTokenType.String) throw Mismatch(ref reader, "int32");
        var name = reader.GetString()!;
        if (type.FindValueByName(name) is { } value) return value.Number;
        throw Refuse($"unknown value \"{name}\" for enum {GoName(type)}");
    }

    private static ulong ReadInteger(ref Utf8JsonReader reader, FieldType type)
    {
        var goType = type switch { FieldType.Int64 => "int64", FieldType.UInt64 => "uint64", FieldType.UInt32 => "uint32", _ => "int32" };
        if (reader.TokenType is not (JsonTokenType.Number or JsonTokenType.String)) throw Mismatch(ref reader, goType);
        if (reader.HasValueSequence || reader.ValueIsEscaped || reader.ValueSpan.Length is 0 or > 20) return ReadLongInteger(ref reader, type, goType);
        return ParseInteger(reader.ValueSpan, type, goType);
    }

    private static ulong ReadLongInteger(ref Utf8JsonReader reader, FieldType type, string goType)
    {
        var text = reader.TokenType == JsonTokenType.String
            ? Encoding.UTF8.GetBytes(reader.GetString()!)
            : reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan.ToArray();
        return text.Length == 0 ? throw Refuse("unexpected end of JSON input") : ParseInteger(text, type, goType);
    }

    private static ulong ParseInteger(ReadOnlySpan<byte> text, FieldType type, string goType)
    {
        if (type is FieldType.UInt64 or FieldType.UInt32)
        {
            if (Utf8Parser.TryParse(text, out ulong unsigned, out var read) && read == text.Length && (type == FieldType.UInt64 || unsigned <= uint.MaxValue))
                return unsigned;
        }
        else if (Utf8Parser.TryParse(text, out long signed, out var read) && read == text.Length && text[0] != '+' && (type == FieldType.Int64 || signed is >= int.MinValue and <= int.MaxValue))
        {
            return (ulong)signed;
        }

        var shown = Encoding.UTF8.GetString(text.Length > 64 ? text[..64] : text);
        if (text[0] is >= (byte)'0' and <= (byte)'9' or (byte)'-') throw Refuse($"json: cannot unmarshal number {shown} into Go value of type {goType}");
        throw Refuse($"invalid character '{shown[0]}' looking for beginning of value");
    }

    private static void WriteBase64(ref Utf8JsonReader reader, WireBuffer output)
    {
        var length = reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length;
        var rented = ArrayPool<byte>.Shared.Rent(length + 4);
        try
        {
            var count = reader.CopyString(rented);
            for (var i = 0; i < count; i++)
            {
                if (rented[i] == '-') rented[i] = (byte)'+';
                else if (rented[i] == '_') rented[i] = (byte)'/';
            }

            // Absent padding is made good; a single left-over character is no base64 of any kind.
            var padded = count;
            if (count == 0 || rented[count - 1] != '=')
                while (padded % 4 != 0 && count % 4 != 1) rented[padded++] = (byte)'=';

            ClearUnusedBits(rented.AsSpan(0, padded));
            var status = Base64.DecodeFromUtf8InPlace(rented.AsSpan(0, padded), out var written);
            if (status != OperationStatus.Done) throw Refuse($"illegal base64 data at input byte {FirstIllegal(rented.AsSpan(0, count))}");
            output.WriteLengthPrefixed(rented.AsSpan(0, written));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>The last letter before the padding has bits that belong to no byte. Go overlooks them (RFC 4648 3.5 lets it), .NET refuses those that are set.</summary>
    private static void ClearUnusedBits(Span<byte> text)
    {
        var padding = text.EndsWith("=="u8) ? 2 : text.EndsWith("="u8) ? 1 : 0;
        if (padding == 0 || text.Length < 4) return;
        ref var last = ref text[^(padding + 1)];
        var value = Alphabet.IndexOf(last);
        if (value >= 0) last = Alphabet[value & (padding == 2 ? 0x30 : 0x3c)];
    }

    private static int FirstIllegal(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i < text.Length; i++)
            if (!char.IsAsciiLetterOrDigit((char)text[i]) && text[i] is not ((byte)'+' or (byte)'/' or (byte)'='))
                return i;
        return text.Length - (text.Length % 4);
    }

    private static CallException Mismatch(ref Utf8JsonReader reader, string goType)
    {
        var what = reader.TokenType switch
        {
            JsonTokenType.StartObject => "object",
            JsonTokenType.StartArray => "array",
            JsonTokenType.String => "string",
            JsonTokenType.True or JsonTokenType.False => "bool",
            _ => "number",
        };
        return Refuse($"json: cannot unmarshal {what} into Go value of type {goType}");
    }

    private static CallException Refuse(string message) => new(CallFailure.InvalidArgument, message);

    private static string GoName(EnumDescriptor type) =>
        type.ContainingType is { } outer ? $"{type.File.Package}.{outer.Name}_{type.Name}" : type.FullName;
}
