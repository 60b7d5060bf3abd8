namespace Holdfast.Vectors.Graphs;

/// <summary>By what a graph is walked. What it finds is measured again by the full vectors. Part of the format of graph files: never renumber.</summary>
internal enum GraphEncoding : byte
{
    /// <summary>By the full vectors.</summary>
    Exact = 0,

    /// <summary>By one byte per component: a quarter of the memory that a step must fetch. The default for floats (bench/peers/vectors.sh).</summary>
    Int8 = 1,

    /// <summary>By the signs of the components.</summary>
    Binary = 2,

    /// <summary>By a byte per part of the vector, the number of the closest of 256 middles.</summary>
    Product = 3,

    /// <summary>By one, two or four bits per component of the vector turned at random, with a factor per row that keeps estimates unbiased.</summary>
    Turned = 4,
}

/// <summary>How a column's graphs are walked.</summary>
internal sealed record Quantization
{
    /// <summary>By what.</summary>
    public GraphEncoding Encoding { get; init; } = GraphEncoding.Int8;

    /// <summary>Bits per component of a <see cref="GraphEncoding.Turned"/> row: 1, 2 or 4.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>How many times smaller than floats a <see cref="GraphEncoding.Product"/> row is: 4 to 64.</summary>
    public int Compression { get; init; } = 16;

    /// <summary>The share of components that an 8-bit code's range covers.</summary>
    public double Quantile { get; init; } = 0.999;

    /// <summary>Whether codes and links stay in memory although full vectors are on disk.</summary>
    public bool IsAlwaysInMemory { get; init; }

    /// <summary>How many times the wanted rows are measured again by the full vectors when a query says nothing; small codes need more.</summary>
    public double Oversampling => (Encoding, Bits) switch
    {
        (GraphEncoding.Exact, _) => 1,
        (GraphEncoding.Int8, _) => 2,
        (GraphEncoding.Turned, 4) => 3,
        (GraphEncoding.Turned, 2) => 5,
        (GraphEncoding.Product, _) => 8,
        _ => 10,
    };
}
