using System.Globalization;
using System.Runtime.InteropServices;

namespace Holdfast.VectorBench;

/// <summary>A data set as <c>bench/vectors/prepare.mjs</c> wrote it, with the true ten of every query.</summary>
internal sealed class DataSet
{
    public const int Wanted = 10;

    private DataSet(string name, float[] vectors, float[] queries, int dims, bool isCosine)
    {
        (Name, Vectors, Queries, Dims, IsCosine) = (name, vectors, queries, dims, isCosine);
        (Rows, QueryCount) = (vectors.Length / dims, queries.Length / dims);
    }

    public string Name { get; }

    public float[] Vectors { get; }

    public float[] Queries { get; }

    public int Dims { get; }

    public bool IsCosine { get; }

    public int Rows { get; }

    public int QueryCount { get; }

    /// <summary>The closest rows of each query, by brute force.</summary>
    public int[] Truth { get; private set; } = [];

    /// <summary>Reads the set, and the truth, which is made when it is not there.</summary>
    public static DataSet Read(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        var meta = File.ReadAllText(path + ".meta").Trim().Split(' ');
        var set = new DataSet(name, Cast<float>(path + ".base.f32"), Cast<float>(path + ".query.f32"), int.Parse(meta[2], CultureInfo.InvariantCulture), meta[3] == "cosine");
        var truth = path + ".truth.i32";
        if (!File.Exists(truth))
        {
            set.Truth = BruteForce.Closest(set);
            File.WriteAllBytes(truth, MemoryMarshal.AsBytes<int>(set.Truth));
        }

        set.Truth = Cast<int>(truth);
        return set;
    }

    /// <summary>The share of the true ten among what was found.</summary>
    public double Recall(ReadOnlySpan<int> found)
    {
        var hits = 0;
        for (var query = 0; query < QueryCount; query++)
        {
            var truth = Truth.AsSpan(query * Wanted, Wanted);
            foreach (var row in found.Slice(query * Wanted, Wanted))
                if (truth.Contains(row)) hits++;
        }

        return (double)hits / (QueryCount * Wanted);
    }

    private static T[] Cast<T>(string file)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(File.ReadAllBytes(file)).ToArray();
}
