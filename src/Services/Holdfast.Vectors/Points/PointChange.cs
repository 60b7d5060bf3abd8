namespace Holdfast.Vectors.Points;

/// <summary>A vector of a point: the name of its column, empty for the only one, and its components.</summary>
/// <param name="Name">The column.</param>
/// <param name="Values">The components, brought to length one where the column's distance asks for it; of a multi-vector those of all its vectors, one behind another; of a sparse one those that are not zero.</param>
/// <param name="Indices">The places of a sparse vector's components, rising; null for a dense one.</param>
public readonly record struct NamedVector(string Name, float[] Values, uint[]? Indices = null);

/// <summary>A point as a client writes it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Payload">What it carries.</param>
/// <param name="Vectors">Its vectors; a column that is not named has none.</param>
public sealed record PointWrite(PointId Id, Payload Payload, IReadOnlyList<NamedVector> Vectors);
