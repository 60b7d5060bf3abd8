using Holdfast.Vectors.Kernels;

namespace Holdfast.Vectors.Queries;

/// <summary>What is done to a client's vector once, before it is proposed or searched for.</summary>
internal static class VectorNorm
{
    /// <summary>A vector of length one where the distance compares angles; a zero vector stays what it is.</summary>
    /// <exception cref="VectorFault">It is of the wrong length, or holds what is no number.</exception>
    public static float[] Prepare(float[] vector, Points.VectorParams column)
    {
        if (vector.Length != column.Size) throw VectorFault.WrongDimension(column.Size, vector.Length);
        var sum = 0.0;
        foreach (var component in vector)
        {
            if (!float.IsFinite(component)) throw VectorFault.BadInput("a vector's components are finite numbers");
            sum += (double)component * component;
        }

        if (column.Distance != Distance.Cosine || sum == 0 || Math.Abs(sum - 1) < 1e-6) return vector;
        var scale = 1 / Math.Sqrt(sum);
        return Array.ConvertAll(vector, component => (float)(component * scale));
    }
}
