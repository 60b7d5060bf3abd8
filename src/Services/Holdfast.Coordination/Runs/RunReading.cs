using Holdfast.Coordination.Mvcc;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Coordination.Runs;

/// <summary>What a piece of a run holds, ready to be linked.</summary>
/// <param name="File">The run's file.</param>
/// <param name="Versions">The versions that end in this piece.</param>
/// <param name="IsSound">Whether the run's head is one that this binary knows.</param>
internal sealed record RunPiece(FileHash File, List<(byte[] Key, KeyVersion Version)> Versions, bool IsSound);

/// <summary>Decodes runs away from the loop. A version may begin in one piece and end in a later one.</summary>
internal sealed class RunReading : IStateFileReading
{
    private ByteBuffer whole = new(); // What is decoded: the beginning of a version that the piece before left, and the piece.
    private ByteBuffer begun = new();
    private FileHash current;
    private bool hasHead;

    /// <inheritdoc/>
    public object Decode(FileHash file, ReadOnlySpan<byte> piece)
    {
        if (file != current)
        {
            begun.Clear(); // A run that ends in the middle of a version lacks one: its number says so.
            (current, hasHead) = (file, false);
        }

        new SpanWriter(begun).WriteBytes(piece);
        (whole, begun) = (begun, whole);
        begun.Clear();
        var rest = whole.Written;
        var versions = new List<(byte[], KeyVersion)>();
        var isSound = true;
        if (!hasHead && rest.Length >= HistoryRun.HeadBytes)
        {
            var head = new SpanReader(rest[..HistoryRun.HeadBytes]);
            isSound = head.ReadUInt16() == HistoryRun.FormatVersion && (HistoryRunKind)head.ReadByte() is HistoryRunKind.Seen or HistoryRunKind.Changes;
            rest = rest[HistoryRun.HeadBytes..];
            hasHead = true;
        }

        for (var reader = new SpanReader(rest); hasHead && VersionCodec.TryRead(ref reader, out var key, out var version); rest = reader.Rest) versions.Add((key, version));
        new SpanWriter(begun).WriteBytes(rest);
        return new RunPiece(file, versions, isSound);
    }
}

/// <summary>Builds a store from runs, in their order.</summary>
internal sealed class RunRestore(MvccStore built)
{
    private List<HistoryRun> runs = [];
    private int current;
    private long records;
    private bool isBroken;

    /// <summary>The runs that the snapshot names.</summary>
    public IReadOnlyList<HistoryRun> Runs => runs;

    /// <summary>How many of them are settled.</summary>
    public int SettledCount { get; private set; }

    /// <summary>Whether all that the runs hold has come.</summary>
    public bool IsWhole => !isBroken && current == runs.Count;

    /// <summary>Takes the list of runs.</summary>
    public void Read(ref SpanReader reader)
    {
        isBroken = !HistoryRun.TryRead(ref reader, out runs, out var settled);
        if (isBroken) return;
        SettledCount = settled;
        built.Forgotten.Settle(settled == 0 ? 0 : runs[settled - 1].Through);
    }

    /// <summary>Takes a piece of the run whose turn it is.</summary>
    public void Take(RunPiece piece)
    {
        if (isBroken || current == runs.Count || piece.File != runs[current].File || !piece.IsSound)
        {
            isBroken = true;
            return;
        }

        foreach (var (key, version) in piece.Versions) built.RestoreFromRun(key, version);
        records += piece.Versions.Count;
        if (records < runs[current].Records) return;
        isBroken = records > runs[current].Records;
        current++;
        records = 0;
    }
}
