using Holdfast.Storage;

namespace Holdfast.Replication;

/// <summary>
/// Decodes the state files of a snapshot that is restored, so that the loop only has to link what is ready. Called by one thread at a time, not the loop; the pieces come in the order of the files and of
/// their bytes, each once, as long as nothing fails. Checksums have been compared before; what does not make sense nevertheless is for the builder to refuse (<see cref="ISnapshotBuilder.IsWhole"/>).
/// </summary>
public interface IStateFileReading
{
    /// <summary>Decodes the next piece of a file.</summary>
    object Decode(FileHash file, ReadOnlySpan<byte> piece);
}
