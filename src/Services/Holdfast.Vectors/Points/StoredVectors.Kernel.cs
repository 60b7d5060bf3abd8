using System.Runtime.InteropServices;

namespace Holdfast.Vectors.Points;

/// <summary>Vectors as a column stores them, from floats and back.</summary>
internal static unsafe class StoredVectors
{
    /// <summary>Writes components, and zeros up to the row's end.</summary>
    public static void Write(VectorParams column, ReadOnlySpan<float> values, Span<byte> row)
    {
        switch (column.Datatype)
        {
            case VectorDatatype.Float32: values.CopyTo(MemoryMarshal.Cast<byte, float>(row)); break;
            case VectorDatatype.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(row);
                for (var at = 0; at < values.Length; at++) halves[at] = (Half)values[at];
                break;
            default:
                for (var at = 0; at < values.Length; at++) row[at] = (byte)Math.Clamp(MathF.Round(values[at]), 0, 255);
                break;
        }

        row[(values.Length * column.ElementBytes)..].Clear();
    }

    /// <summary>Reads components.</summary>
    public static void Read(VectorParams column, byte* row, Span<float> values)
    {
        for (var at = 0; at < values.Length; at++)
            values[at] = column.Datatype switch { VectorDatatype.Float32 => ((float*)row)[at], VectorDatatype.Float16 => (float)((Half*)row)[at], _ => row[at] };
    }

    /// <summary>Divides by the length, where there is any.</summary>
    public static void BringToLengthOne(Span<float> values)
    {
        var sum = 0.0;
        foreach (var value in values) sum += (double)value * value;
        if (sum == 0) return;
        var scale = 1 / Math.Sqrt(sum);
        foreach (ref var value in values) value = (float)(value * scale);
    }
}
