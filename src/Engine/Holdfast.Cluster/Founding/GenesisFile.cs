using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>The file "genesis" of a data directory. Its presence is what makes a data directory not empty (S4).</summary>
public static class GenesisFile
{
    /// <summary>The file's name.</summary>
    public const string Name = "genesis";

    private const uint Magic = 0x4E474648; // "HFGN"

    /// <summary>Reads it; null when this data directory has none.</summary>
    /// <exception cref="DataDirectoryUnusableException">It is damaged or of a newer version.</exception>
    public static Genesis? Read(IDisk disk)
    {
        if (SealedFile.Read(disk, Name, Magic) is not { } body) return null;
        var reader = new SpanReader(body);
        return Genesis.TryDecode(ref reader, out var genesis) ? genesis : throw SealedFile.Damaged(Name);
    }

    /// <summary>Writes it, once: durable when this returns. A directory that has one is never given another.</summary>
    public static void Write(IDisk disk, Genesis genesis)
    {
        Invariant.Holds(!disk.Exists(Name), "a data directory was to be given a second genesis");
        SealedFile.Write(disk, Name, Magic, genesis.ToBytes());
    }
}
