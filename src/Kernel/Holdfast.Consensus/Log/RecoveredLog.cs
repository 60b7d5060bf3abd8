using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus;

/// <summary>
/// A log as recovery found it, ready to go on: the entries in their blocks and the configurations among them. The payloads are taken over, not copied, and making it is bound to no thread, so that a
/// long log does not hold up the loop on which its replica begins.
/// </summary>
internal sealed class RecoveredLog
{
    public RecoveredLog(RaftStart start)
    {
        Log = new RaftLog(start.Snapshot);
        Configurations = new ConfigurationHistory(start.Snapshot.Index, start.Configuration);
        foreach (var entry in start.Entries)
        {
            Invariant.Holds(entry.Position.Index == Log.Last.Index.Next, "recovery handed over a log with a gap");
            Invariant.Holds(entry.Position.Term >= Log.Last.Term, "an entry's term is below its predecessor's");
            Log.Adopt(entry);
            if (entry.Kind == EntryKind.Configuration) Configurations.Add(entry.Position.Index, ConfigurationOf(entry.Payload.Span));
        }
    }

    public RaftLog Log { get; }

    public ConfigurationHistory Configurations { get; }

    /// <summary>What a configuration entry says.</summary>
    public static Configuration ConfigurationOf(ReadOnlySpan<byte> payload)
    {
        var reader = new SpanReader(payload);
        Invariant.Holds(Configuration.TryDecode(ref reader, out var configuration), "a configuration entry cannot be read");
        return configuration;
    }
}
