using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// The group's own part of a snapshot: it comes before the machine's chunks, in chunks that begin with a byte, 1 in the last of them and 0 in those before.
/// </summary>
internal static class StateSection
{
    private const int PieceBytes = 256 * 1024;

    /// <summary>Cuts the section into chunks.</summary>
    public static Queue<byte[]> Cut(GroupState state)
    {
        var section = new ByteBuffer();
        state.EncodeSection(new SpanWriter(section));
        var pieces = new Queue<byte[]>();
        var rest = section.Written;
        do
        {
            var piece = rest[..Math.Min(PieceBytes, rest.Length)];
            rest = rest[piece.Length..];
            pieces.Enqueue([rest.Length == 0 ? (byte)1 : (byte)0, .. piece]);
        }
        while (rest.Length > 0);
        return pieces;
    }
}

/// <summary>Reads a snapshot's chunks in their order: first the group's section, then the machine's own.</summary>
internal sealed class StateRestore(GroupState state) : IDisposable
{
    private readonly ByteBuffer section = new();
    private readonly ISnapshotBuilder builder = state.Machine.BeginRestore();
    private bool isSectionWhole;

    /// <summary>The group's own section has come whole, and all that its machine needs.</summary>
    public bool IsWhole => isSectionWhole && builder.IsWhole;

    public void ReadNext(ReadOnlySpan<byte> chunk)
    {
        if (isSectionWhole)
        {
            builder.ReadNext(chunk);
            return;
        }

        if (chunk.Length == 0) return;
        new SpanWriter(section).WriteBytes(chunk[1..]);
        isSectionWhole = chunk[0] == 1;
    }

    /// <summary>A file that the snapshot names is damaged or missing; false when nothing can be built without it.</summary>
    public bool GoesOnWithout(FileHash file) => builder.GoesOnWithout(file);

    /// <summary>See <see cref="ISnapshotBuilder.FileReading"/>: then the files' content comes too, after all chunks.</summary>
    public IStateFileReading? FileReading => builder.FileReading;

    /// <summary>Takes a piece of a file, decoded.</summary>
    public void TakeFile(object content) => builder.TakeFile(content);

    /// <summary>The restored state takes the place of the live one; false when the snapshot has no readable section, or a file was missing that its machine needs.</summary>
    public bool TryComplete()
    {
        if (!IsWhole || !state.DecodeSection(section.Written)) return false;
        builder.Complete();
        return true;
    }

    public void Dispose() => builder.Dispose();
}
