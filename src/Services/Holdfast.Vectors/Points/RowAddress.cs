namespace Holdfast.Vectors.Points;

/// <summary>A row's place: its segment's number and its own there. Of this replica alone; never replicated.</summary>
internal readonly record struct RowAddress(int Segment, int Row);
