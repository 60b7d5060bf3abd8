using System.Collections.Concurrent;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>Who leads shards that have no replica here, with the terms in which they said so, and who led the others last. Hearsay: a shard that is asked in vain says where to go. For all threads.</summary>
internal sealed class LeaderBook
{
    private readonly ConcurrentDictionary<GroupId, (Term Term, NodeId Leader)> leaders = new();

    public NodeId LeaderOf(GroupId group) => leaders.TryGetValue(group, out var known) ? known.Leader : NodeId.None;

    /// <summary>A node says that it leads a group in a term.</summary>
    public void Hear(GroupId group, Term term, NodeId leader) =>
        leaders.AddOrUpdate(group, (term, leader), (_, known) => term >= known.Term ? (term, leader) : known);
}
