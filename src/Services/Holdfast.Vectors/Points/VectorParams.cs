using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;

namespace Holdfast.Vectors.Points;

/// <summary>How a column's components are stored.</summary>
public enum VectorDatatype : byte
{
    /// <summary>Single precision.</summary>
    Float32 = 0,

    /// <summary>Half precision.</summary>
    Float16 = 1,

    /// <summary>Whole numbers from 0 to 255.</summary>
    Uint8 = 2,
}

/// <summary>What a column holds for a point.</summary>
internal enum VectorKind : byte
{
    /// <summary>One vector.</summary>
    Dense = 0,

    /// <summary>Some vectors, of which each of a query's seeks its closest (MaxSim).</summary>
    Multi = 1,

    /// <summary>Components at a few of very many places.</summary>
    Sparse = 2,

    /// <summary>Nothing any more: the vector's name was deleted, and its number is never given to another.</summary>
    Gone = 3,
}

/// <summary>A column of vectors, as a collection defines it once.</summary>
internal sealed record VectorParams
{
    /// <summary>Dimensions that a vector may have.</summary>
    public const int SizeMax = 65536;

    private const int ScanRowsUsual = 4000;

    /// <summary>Its name; empty for a collection's only one.</summary>
    public required string Name { get; init; }

    /// <summary>How many components; zero for sparse ones.</summary>
    public required int Size { get; init; }

    /// <summary>How two are compared.</summary>
    public required Distance Distance { get; init; }

    /// <summary>What it holds.</summary>
    public VectorKind Kind { get; init; }

    /// <summary>How components are stored.</summary>
    public VectorDatatype Datatype { get; init; }

    /// <summary>How its graphs are built.</summary>
    public GraphOptions Graph { get; init; } = new();

    /// <summary>How its graphs are walked.</summary>
    public Quantization Quantization { get; init; } = new();

    /// <summary>Whether full vectors of sealed segments stay on disk until they are asked for.</summary>
    public bool IsOnDisk { get; init; }

    /// <summary>Of a sparse column: whether a query's components are weighted by how rare their places are.</summary>
    public bool IsWeightedByRarity { get; init; }

    /// <summary>So few admitted rows are measured one behind another: as many as the settings say, or as take about as long as a walk among them.</summary>
    public int ScanRowsMax => Graph.FullScanKilobytes is { } kilobytes ? (int)Math.Min(int.MaxValue, kilobytes * 1024L / RowBytes) : ScanRowsUsual;

    /// <summary>Whether its name was deleted.</summary>
    public bool IsGone => Kind == VectorKind.Gone;

    /// <summary>What stands in the place of a deleted column. Clients cannot say its name.</summary>
    public static VectorParams Deleted(int number) => new() { Name = $"\0{number.ToString(System.Globalization.CultureInfo.InvariantCulture)}", Size = 0, Distance = Distance.Dot, Kind = VectorKind.Gone };

    /// <summary>Whether segments and graphs that were made by these settings are as the others want them: what only decides how they are searched counts for nothing.</summary>
    public bool IsBuiltAs(VectorParams other) => this == other with { Graph = other.Graph with { FullScanKilobytes = Graph.FullScanKilobytes } };

    /// <summary>Bytes of a component.</summary>
    public int ElementBytes => Datatype switch { VectorDatatype.Float32 => sizeof(float), VectorDatatype.Float16 => sizeof(ushort), _ => sizeof(byte) };

    /// <summary>Bytes of a vector's components; none of a sparse one, whose length is its own.</summary>
    public int VectorBytes => Size * ElementBytes;

    /// <summary>Bytes of a stored vector, padded.</summary>
    public int RowBytes => Memory.RowMemory.Padded(Math.Max(1, Size * ElementBytes));
}
