using System.Buffers.Binary;
using System.Text;
using Google.Protobuf.Reflection;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>One value of a field, as it was sent.</summary>
/// <param name="Number">A number, a truth, or an enum's number; a float's bits.</param>
/// <param name="Bytes">Text, bytes or a message.</param>
internal readonly record struct WireValue(ulong Number, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>As text.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes.Span);
}

/// <summary>A message by its fields, read from its bytes and its description: no generated property and no reflection is needed to walk over it.</summary>
internal sealed class WireFields
{
    private readonly SortedDictionary<int, List<WireValue>> values = [];

    private WireFields(MessageDescriptor type) => Type = type;

    /// <summary>What it is.</summary>
    public MessageDescriptor Type { get; }

    /// <summary>The fields that were sent, by number.</summary>
    public IEnumerable<(FieldDescriptor Field, IReadOnlyList<WireValue> Values)> All => values.Select(each => (Type.FindFieldByNumber(each.Key), (IReadOnlyList<WireValue>)each.Value));

    /// <summary>Whether a field was sent.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A field's values; empty when it was not sent.</summary>
    public IReadOnlyList<WireValue> Of(string name) => Find(name) ?? [];

    /// <summary>Text; null when it was not sent.</summary>
    public string? Text(string name) => Find(name)?[^1].Text;

    /// <summary>A message; null when it was not sent.</summary>
    public WireFields? Message(string name) => Find(name) is { } sent ? Read(Type.FindFieldByName(name).MessageType, sent[^1].Bytes) : null;

    /// <summary>Messages.</summary>
    public IEnumerable<WireFields> Messages(string name) => Of(name).Select(sent => Read(Type.FindFieldByName(name).MessageType, sent.Bytes));

    /// <summary>The one field that was sent of those that exclude each other; null for none.</summary>
    public (FieldDescriptor Field, WireValue Value)? Only => values.Count == 0 ? null : values.Last() is var last ? (Type.FindFieldByNumber(last.Key), last.Value[^1]) : null;

    /// <summary>Reads a message.</summary>
    /// <exception cref="VectorFault">It is none.</exception>
    public static WireFields Read(MessageDescriptor type, ReadOnlyMemory<byte> bytes)
    {
        var read = new WireFields(type);
        while (bytes.Length > 0)
        {
            var tag = Varint(ref bytes);
            var field = type.FindFieldByNumber((int)(tag >> 3));
            var value = ValueOf((int)tag & 7, ref bytes);
            if (field is null) continue;
            if (!read.values.TryGetValue(field.FieldNumber, out var list)) read.values[field.FieldNumber] = list = [];
            if (((int)tag & 7) == 2 && field.IsRepeated && IsScalar(field)) Unpack(field, value.Bytes, list);
            else list.Add(value);
        }

        return read;
    }

    private List<WireValue>? Find(string name) => Type.FindFieldByName(name) is { } field ? values.GetValueOrDefault(field.FieldNumber) : null;

    private static bool IsScalar(FieldDescriptor field) => field.FieldType is not (FieldType.String or FieldType.Bytes or FieldType.Message or FieldType.Group);

    private static void Unpack(FieldDescriptor field, ReadOnlyMemory<byte> packed, List<WireValue> list)
    {
        var kind = field.FieldType switch { FieldType.Float or FieldType.Fixed32 or FieldType.SFixed32 => 5, FieldType.Double or FieldType.Fixed64 or FieldType.SFixed64 => 1, _ => 0 };
        while (packed.Length > 0) list.Add(ValueOf(kind, ref packed));
    }

    private static WireValue ValueOf(int kind, ref ReadOnlyMemory<byte> bytes)
    {
        switch (kind)
        {
            case 0: return new WireValue(Varint(ref bytes), default);
            case 1: return new WireValue(BinaryPrimitives.ReadUInt64LittleEndian(Take(ref bytes, 8).Span), default);
            case 5: return new WireValue(BinaryPrimitives.ReadUInt32LittleEndian(Take(ref bytes, 4).Span), default);
            case 2:
                var length = Varint(ref bytes);
                return new WireValue(0, Take(ref bytes, length > int.MaxValue ? int.MaxValue : (int)length));
            default: throw VectorFault.BadInput("the message is no protocol buffer");
        }
    }

    private static ReadOnlyMemory<byte> Take(ref ReadOnlyMemory<byte> bytes, int count)
    {
        if (count > bytes.Length) throw VectorFault.BadInput("the message is cut short");
        var taken = bytes[..count];
        bytes = bytes[count..];
        return taken;
    }

    private static ulong Varint(ref ReadOnlyMemory<byte> bytes)
    {
        var value = 0UL;
        var span = bytes.Span;
        for (var at = 0; at < 10 && at < span.Length; at++)
        {
            value |= (ulong)(span[at] & 0x7f) << (7 * at);
            if ((span[at] & 0x80) != 0) continue;
            bytes = bytes[(at + 1)..];
            return value;
        }

        throw VectorFault.BadInput("the message is cut short");
    }
}
