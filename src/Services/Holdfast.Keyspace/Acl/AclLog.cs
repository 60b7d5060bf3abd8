namespace Holdfast.Keyspace;

/// <summary>A refusal that was written down; one of the same kind within a minute is counted and not written again.</summary>
internal sealed class AclLogEntry
{
    public required AclVerdict Verdict { get; init; }

    /// <summary>toplevel, multi or lua.</summary>
    public required string Context { get; init; }

    public required string Subject { get; init; }

    public required string User { get; init; }

    public required string Client { get; set; }

    public long Count { get; set; } = 1;

    public long AtMicros { get; set; }
}

/// <summary>The latest refusals of a node, newest first.</summary>
internal sealed class AclLog
{
    /// <summary>Entries that are kept; the oldest goes.</summary>
    public const int EntriesMax = 128;

    private const long MergeMicros = 60_000_000;

    private readonly LinkedList<AclLogEntry> entries = new();

    public IEnumerable<AclLogEntry> Entries => entries;

    public int Count => entries.Count;

    public void Clear() => entries.Clear();

    /// <summary>Writes a refusal down; of more than <paramref name="most"/> the oldest go.</summary>
    public void Add(AclLogEntry entry, long most = EntriesMax)
    {
        for (var at = entries.First; at is not null; at = at.Next)
        {
            var known = at.Value;
            if (known.Verdict != entry.Verdict || known.Context != entry.Context || known.Subject != entry.Subject || known.User != entry.User || entry.AtMicros - known.AtMicros > MergeMicros) continue;
            known.Count++;
            known.AtMicros = entry.AtMicros;
            known.Client = entry.Client;
            entries.Remove(at);
            entries.AddFirst(known);
            return;
        }

        entries.AddFirst(entry);
        while (entries.Count > most) entries.RemoveLast();
    }
}
