namespace Holdfast.Vectors.Graphs;

/// <summary>By what a graph is walked. What it finds is always measured again by the full vectors.</summary>
internal enum GraphEncoding : byte
{
    /// <summary>By the full vectors.</summary>
    Exact = 0,

    /// <summary>By one byte per component: a quarter of the memory that a step must fetch. The default for floats (bench/peers/vectors.sh).</summary>
    Int8 = 1,
}
