using System.Text;
using Google.Protobuf;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>A span as a collector gets it (OTLP 1.x, <c>ExportTraceServiceRequest</c>), read by the protocol's field numbers and not by the exporter's own code.</summary>
/// <param name="Node">Who sent it: the resource's <c>service.instance.id</c>.</param>
/// <param name="Trace">The trace's id, 32 hex digits.</param>
/// <param name="Id">The span's id, 16 hex digits.</param>
/// <param name="Parent">The id of the span that it hangs below; empty for none.</param>
/// <param name="Name">What was done.</param>
/// <param name="Tags">Its attributes that are text.</param>
internal sealed record CollectedSpan(string Node, string Trace, string Id, string Parent, string Name, IReadOnlyDictionary<string, string> Tags)
{
    /// <summary>All spans of one request.</summary>
    public static IEnumerable<CollectedSpan> Of(byte[] export)
    {
        foreach (var ofNode in Fields(export, 1))
        {
            var resource = Fields(ofNode, 1).Select(resource => TextTags(resource, 1)).Single();
            foreach (var span in Fields(ofNode, 2).SelectMany(scope => Fields(scope, 2)))
                yield return new CollectedSpan(resource["service.instance.id"], Hex(span, 1), Hex(span, 2), Hex(span, 4), Text(span, 5), TextTags(span, 9));
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Node} {Trace} {Parent}/{Id} {Name} {string.Join(' ', Tags.Select(tag => $"{tag.Key}={tag.Value}"))}";

    private static Dictionary<string, string> TextTags(byte[] message, int field) =>
        Fields(message, field).Select(tag => (Key: Text(tag, 1), Value: Fields(tag, 2).SelectMany(value => Fields(value, 1)).FirstOrDefault())).Where(tag => tag.Value is not null).ToDictionary(tag => tag.Key, tag => Encoding.UTF8.GetString(tag.Value!));

    private static string Text(byte[] message, int field) => Encoding.UTF8.GetString(Fields(message, field).FirstOrDefault() ?? []);

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Fields(message, field).FirstOrDefault() ?? []);

    /// <summary>Every field of that number which has a length: a message, bytes or text.</summary>
    private static IEnumerable<byte[]> Fields(byte[] message, int field)
    {
        var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited) yield return input.ReadBytes().ToByteArray();
            else input.SkipLastField();
        }
    }
}
