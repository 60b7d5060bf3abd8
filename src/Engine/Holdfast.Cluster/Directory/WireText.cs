using System.Text;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>Text in our own formats: a 32-bit length and UTF-8. Longer than <see cref="BytesMax"/> is refused on reading, so that no field is absurd.</summary>
internal static class WireText
{
    public const int BytesMax = 64 * 1024;

    public static void WriteText(this SpanWriter writer, string text) => writer.WriteBlock(Encoding.UTF8.GetBytes(text));

    public static string ReadText(this ref SpanReader reader)
    {
        var bytes = reader.ReadBlock();
        if (bytes.Length <= BytesMax) return Encoding.UTF8.GetString(bytes);
        reader.Take(int.MaxValue); // The reader is no longer whole: its owner refuses all of it.
        return "";
    }

    public static void WriteFlag(this SpanWriter writer, bool flag) => writer.WriteByte(flag ? (byte)1 : (byte)0);

    public static bool ReadFlag(this ref SpanReader reader) => reader.ReadByte() != 0;
}
