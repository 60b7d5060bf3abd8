using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>The configurations that the log holds, each in force from its own index on, committed or not (Raft paper 6). A truncated one gives way to the one before.</summary>
internal sealed class ConfigurationHistory
{
    private readonly List<(LogIndex Index, Configuration Configuration)> known = [];

    public ConfigurationHistory(LogIndex index, Configuration initial) => known.Add((index, initial));

    public Configuration Current => known[^1].Configuration;

    /// <summary>The configuration that returns if the current one is truncated; the current one when there is no other.</summary>
    public Configuration BeforeCurrent => known[Math.Max(0, known.Count - 2)].Configuration;

    /// <summary>Where the current configuration stands in the log.</summary>
    public LogIndex CurrentIndex => known[^1].Index;

    /// <summary>Whether the node may stand: a voter, or one on its way out until its removal is known to be committed (Raft thesis 4.2.2).</summary>
    public bool MayStand(NodeId node, LogIndex commit) => Current.MayLead(node) || (CurrentIndex > commit && BeforeCurrent.MayLead(node));

    public Configuration At(LogIndex index)
    {
        for (var i = known.Count - 1; i > 0; i--)
            if (known[i].Index <= index) return known[i].Configuration;
        return known[0].Configuration;
    }

    public void Add(LogIndex index, Configuration configuration) => known.Add((index, configuration));

    /// <summary>True when a configuration was taken back.</summary>
    public bool TruncateFrom(LogIndex from)
    {
        var before = known.Count;
        while (known.Count > 1 && known[^1].Index >= from) known.RemoveAt(known.Count - 1);
        return known.Count != before;
    }

    public void CompactTo(LogIndex through)
    {
        while (known.Count > 1 && known[1].Index <= through) known.RemoveAt(0);
    }

    public void ResetTo(LogIndex index, Configuration configuration)
    {
        known.Clear();
        known.Add((index, configuration));
    }
}
