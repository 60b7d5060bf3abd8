using Holdfast.Cluster;
using Holdfast.Coordination.Leases;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Runs;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Coordination;

/// <summary>Builds a store from a snapshot's chunks, beside the live one.</summary>
internal sealed class CoordinationRestore : ISnapshotBuilder
{
    private readonly Action<CoordinationRestore> replace;
    private readonly RunReading reading = new();
    private readonly IdentityRestore identities = new();
    private SnapshotPart part = SnapshotPart.Numbers;

    /// <summary>Begins with nothing.</summary>
    /// <param name="replace">Lets what was built take the live state's place.</param>
    /// <param name="bug">A mistake that the simulator plants.</param>
    public CoordinationRestore(Action<CoordinationRestore> replace, PlantedKeyspaceBug bug)
    {
        this.replace = replace;
        Built.Forgotten.Bug = bug;
        Runs = new RunRestore(Built);
    }

    /// <summary>The store.</summary>
    public MvccStore Built { get; } = new();

    /// <summary>The identities.</summary>
    public IdentityView Identities => identities.View;

    /// <summary>The runs that the history lies in; none for a snapshot that held it all.</summary>
    public RunRestore Runs { get; }

    /// <inheritdoc/>
    public IStateFileReading FileReading => reading;

    /// <inheritdoc/>
    public bool IsWhole => Runs.IsWhole;

    /// <inheritdoc/>
    public void TakeFile(object content) => Runs.Take((RunPiece)content);

    /// <inheritdoc/>
    public void ReadNext(ReadOnlySpan<byte> chunk)
    {
        var reader = new SpanReader(chunk);
        var next = (SnapshotPart)reader.ReadByte();
        Invariant.Holds(next >= part, "a snapshot's parts are out of order");
        Invariant.Holds(next <= SnapshotPart.End, "a snapshot has a part that this binary does not know");
        part = next;
        if (part == SnapshotPart.Numbers) ReadNumbers(ref reader);
        while (reader.Rest.Length > 0 && reader.IsWhole) ReadPiece(ref reader);
        Invariant.Holds(reader.IsWhole, "a snapshot's chunk ends in the middle of a piece");
    }

    /// <inheritdoc/>
    public void Complete()
    {
        Invariant.Holds(part is SnapshotPart.End or SnapshotPart.EndOfFormat2, "a snapshot is incomplete");
        replace(this);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The half-built store is garbage.
    }

    private void ReadNumbers(ref SpanReader reader)
    {
        var version = reader.ReadUInt16();
        Invariant.Holds(version is >= CoordinationSnapshot.FormatVersionMin and <= CoordinationSnapshot.FormatVersionWithRuns, "a snapshot has a format that this binary does not know");
        Built.RestoreNumbers((long)reader.ReadUInt64(), (long)reader.ReadUInt64(), reader.ReadUInt64());
        var alarmCount = version < 2 ? 0 : reader.ReadUInt32();
        for (; alarmCount > 0 && reader.IsWhole; alarmCount--) Built.Alarms.Raise(new Alarm(reader.ReadUInt64(), (AlarmType)reader.ReadByte(), reader.ReadByte() != 0));
        if (version == CoordinationSnapshot.FormatVersionWithRuns) Runs.Read(ref reader);
    }

    private void ReadPiece(ref SpanReader reader)
    {
        if (part == SnapshotPart.Identities)
        {
            identities.Read(ref reader);
            return;
        }

        if (part == SnapshotPart.Leases)
        {
            var id = (long)reader.ReadUInt64();
            Built.Leases.Set(id, new LeaseGrant((long)reader.ReadUInt64(), (long)reader.ReadUInt64()));
            return;
        }

        if (!VersionCodec.TryRead(ref reader, out var key, out var version)) return;
        if (part == SnapshotPart.Base) Built.RestoreBase(key, version);
        else Built.RestoreChange(key, version);
    }
}
