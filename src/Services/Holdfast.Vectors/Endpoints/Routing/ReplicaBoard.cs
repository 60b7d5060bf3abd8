using System.Collections.Concurrent;
using Holdfast.Primitives;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>What this node has measured of every node's answers: latency, what is under way, who failed a moment ago. For all threads.</summary>
/// <param name="time">By what is measured; null for the machine's own clock.</param>
/// <param name="dice">Where choices come from; null for the process's own.</param>
internal sealed class ReplicaBoard(TimeProvider? time = null, Func<long>? dice = null)
{
    private readonly TimeProvider clock = time ?? TimeProvider.System;
    private readonly Func<long> draw = dice ?? Random.Shared.NextInt64;

    /// <summary>How long a node that failed to answer is asked last.</summary>
    private static readonly TimeSpan SuspectFor = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<NodeId, Entry> entries = new();
    private long hedged;
    private long hedgesWon;

    /// <summary>Reads that were asked of a second replica, because the first was slower than its p95.</summary>
    public long Hedged => Volatile.Read(ref hedged);

    /// <summary>Of these, how often the second was first.</summary>
    public long HedgesWon => Volatile.Read(ref hedgesWon);

    /// <summary>In which order these nodes are asked.</summary>
    /// <param name="nodes">Who may be asked.</param>
    /// <param name="near">This node.</param>
    /// <param name="likeness">The same number for equal questions, which then go to the same node where that costs nothing; null for a question that is not asked again.</param>
    public NodeId[] Order(IReadOnlyList<NodeId> nodes, NodeId near, ulong? likeness = null)
    {
        if (nodes.Count == 0) return [];
        if (nodes.Count == 1) return [nodes[0]];
        var facts = new ReplicaFacts[nodes.Count];
        for (var at = 0; at < facts.Length; at++) facts[at] = EntryOf(nodes[at]).Facts(at, nodes[at] == near) with { Node = nodes[at].Value };
        var drawn = draw();
        return Array.ConvertAll(ReplicaChoice.Order(facts, (uint)drawn, (uint)(drawn >> 31), likeness), place => nodes[place]);
    }

    /// <summary>When to ask somebody else too; null for never.</summary>
    public TimeSpan? HedgeAfter(NodeId node, int replicas) => HedgeDelay.After(EntryOf(node).P95Micros, replicas) is { } micros ? TimeSpan.FromMicroseconds(micros) : null;

    /// <summary>Notes a hedge.</summary>
    public void NoteHedge() => Interlocked.Increment(ref hedged);

    /// <summary>Notes a hedge that answered first.</summary>
    public void NoteHedgeWon() => Interlocked.Increment(ref hedgesWon);

    /// <summary>Runs a question to a node and measures it. One that was cut off because another answered first is measured by how long it took so far, if that was longer than usual.</summary>
    public async Task<TAnswer> MeasureAsync<TAnswer>(NodeId node, Func<ValueTask<TAnswer>> ask)
    {
        var entry = EntryOf(node);
        var begun = clock.GetTimestamp();
        entry.Begin();
        try
        {
            var answer = await ask().ConfigureAwait(false);
            entry.End(Micros(begun), isFailure: false);
            return answer;
        }
        catch (VectorFault fault)
        {
            entry.End(Micros(begun), isFailure: fault.Status >= 500);
            throw;
        }
        catch
        {
            entry.End(Micros(begun), isFailure: false);
            throw;
        }
    }

    private long Micros(long begun) => (long)clock.GetElapsedTime(begun).TotalMicroseconds;

    private Entry EntryOf(NodeId node) => entries.GetOrAdd(node, static (_, by) => new Entry(by), clock);

    private sealed class Entry(TimeProvider clock)
    {
        private readonly Lock gate = new();
        private readonly LatencyTrack track = new();
        private int underWay;
        private long suspectUntil;

        public long P95Micros
        {
            get
            {
                lock (gate) return track.P95Micros;
            }
        }

        public ReplicaFacts Facts(int place, bool isNear)
        {
            lock (gate) return new ReplicaFacts(place, isNear, suspectUntil > clock.GetTimestamp(), track.MeanMicros, underWay);
        }

        public void Begin()
        {
            lock (gate) underWay++;
        }

        public void End(long micros, bool isFailure)
        {
            lock (gate)
            {
                underWay--;
                if (isFailure) suspectUntil = clock.GetTimestamp() + (long)(SuspectFor.TotalSeconds * clock.TimestampFrequency);
                else
                {
                    suspectUntil = 0;
                    track.Add(micros);
                }
            }
        }
    }
}
