using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>What is done to a client's vector once, before it is proposed or searched for.</summary>
internal static class VectorNorm
{
    /// <summary>A column's vector as it is kept: of the right length, brought to length one where the distance compares angles, a sparse one's places in order. A zero vector stays what it is.</summary>
    /// <exception cref="VectorFault">It is of the wrong kind or length, or holds what is no number.</exception>
    /// <param name="vector">As it came.</param>
    /// <param name="column">Its column.</param>
    /// <param name="point">Of a point's vector, the point's place in the body.</param>
    public static NamedVector Prepare(in NamedVector vector, VectorParams column, int? point = null)
    {
        if (vector.Indices is not null != (column.Kind == VectorKind.Sparse)) throw VectorFault.BadInput($"Conversion between sparse and regular vectors failed: {(column.Name.Length == 0 ? "the vector" : column.Name)} is {(column.Kind == VectorKind.Sparse ? "sparse" : "not sparse")}");
        if (vector.Indices is { } indices) return Sorted(vector.Name, indices, vector.Values, point);
        if (column.Kind == VectorKind.Dense) return vector with { Values = Prepare(vector.Values, column) };
        if (vector.Values.Length == 0 || vector.Values.Length % column.Size != 0) throw VectorFault.WrongDimension(column.Size, vector.Values.Length);
        return vector with { Values = [.. vector.Values.Chunk(column.Size).SelectMany(one => PrepareOne(one, column))] };
    }

    /// <summary>The same of a request's own vector, whose array may be changed: of many points each array that is saved is a stop of the collector that comes later.</summary>
    public static NamedVector PrepareOwn(in NamedVector vector, VectorParams column, int? point = null)
    {
        if (vector.Indices is not null || column.Kind != VectorKind.Dense) return Prepare(vector, column, point);
        var scale = ScaleOf(vector.Values, column);
        if (scale != 1) Scale(vector.Values, vector.Values, scale);
        return vector;
    }

    /// <summary>A vector of length one where the distance compares angles; a zero vector stays what it is.</summary>
    /// <exception cref="VectorFault">It is of the wrong length, or holds what is no number.</exception>
    public static float[] Prepare(float[] vector, VectorParams column)
    {
        if (column.Kind == VectorKind.Multi && vector.Length != column.Size) return Prepare(new NamedVector(column.Name, vector), column).Values;
        return PrepareOne(vector, column);
    }

    /// <summary>Where a body has a vector, in Qdrant's words, which do not know its name: "points[3].vector.?".</summary>
    public static string Place(string name, int? point) => point is { } at ? $"points[{at}].vector.?" : name.Length == 0 ? "vector" : name;

    private static float[] PrepareOne(float[] vector, VectorParams column)
    {
        var scale = ScaleOf(vector, column);
        if (scale == 1) return vector;
        var scaled = new float[vector.Length];
        Scale(vector, scaled, scale);
        return scaled;
    }

    /// <summary>What brings it to length one; one where it stays what it is.</summary>
    private static double ScaleOf(float[] vector, VectorParams column)
    {
        if (vector.Length != column.Size) throw VectorFault.WrongDimension(column.Size, vector.Length);
        var sum = 0.0;
        foreach (var component in vector)
        {
            if (!float.IsFinite(component)) throw VectorFault.BadInput("a vector's components are finite numbers");
            sum += (double)component * component;
        }

        return column.Distance != Distance.Cosine || column.Datatype == VectorDatatype.Uint8 || sum == 0 || Math.Abs(sum - 1) < 1e-6 ? 1 : 1 / Math.Sqrt(sum);
    }

    private static void Scale(float[] from, float[] to, double scale)
    {
        for (var at = 0; at < to.Length; at++) to[at] = (float)(from[at] * scale);
    }

    private static NamedVector Sorted(string name, uint[] indices, float[] values, int? point)
    {
        if (indices.Length != values.Length) throw VectorFault.Invalid($"{Place(name, point)}.values", "Validation error: must be the same length as indices [{}]");
        foreach (var value in values)
            if (!float.IsFinite(value)) throw VectorFault.BadInput("a vector's components are finite numbers");
        var (places, components) = ((uint[])indices.Clone(), (float[])values.Clone());
        Array.Sort(places, components);
        for (var at = 1; at < places.Length; at++)
            if (places[at] == places[at - 1]) throw VectorFault.Invalid($"{Place(name, point)}.indices", "Validation error: must be unique [{}]");
        return new NamedVector(name, components, places);
    }
}
