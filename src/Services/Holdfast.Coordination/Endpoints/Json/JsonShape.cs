using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf.Reflection;

namespace Holdfast.Coordination.Endpoints.Json;

/// <summary>
/// A message type as the JSON gateway needs it: its fields by JSON name and by number. Built once from the descriptor that the protocol compiler
/// wrote. Values are never reached through accessors: JSON becomes protobuf bytes and back, so nothing here reflects over types.
/// </summary>
internal sealed class JsonShape
{
    private static readonly ConcurrentDictionary<MessageDescriptor, JsonShape> Shapes = new();

    private readonly Dictionary<string, JsonField> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<int, JsonField> byNumber = [];

    private JsonShape(MessageDescriptor descriptor)
    {
        foreach (var field in descriptor.Fields.InFieldNumberOrder())
        {
            var shape = new JsonField(field);
            byName[field.Name] = shape;
            byName[field.JsonName] = shape;
            byNumber[field.FieldNumber] = shape;
        }
    }

    /// <summary>The shape of a message type.</summary>
    public static JsonShape Of(MessageDescriptor descriptor) => Shapes.GetOrAdd(descriptor, static type => new JsonShape(type));

    /// <summary>The field under its own or its camel-case name; null for an unknown one.</summary>
    public JsonField? ByName(string name) => byName.GetValueOrDefault(name);

    /// <summary>The field with that number; null for an unknown one.</summary>
    public JsonField? ByNumber(int number) => byNumber.GetValueOrDefault(number);
}

/// <summary>One field.</summary>
internal sealed class JsonField(FieldDescriptor descriptor)
{
    private JsonShape? message;

    public int Number { get; } = descriptor.FieldNumber;

    public FieldType Type { get; } = descriptor.FieldType;

    public bool IsRepeated { get; } = descriptor.IsRepeated;

    /// <summary>The name and the colon, as the gateway prints them.</summary>
    public byte[] QuotedName { get; } = Encoding.UTF8.GetBytes($"\"{descriptor.Name}\":");

    /// <summary>The shape of a message field's content; looked up late because types may hold themselves.</summary>
    public JsonShape Message => message ??= JsonShape.Of(descriptor.MessageType);

    /// <summary>The enumeration of an enum field.</summary>
    public EnumDescriptor Enum => descriptor.EnumType;
}
