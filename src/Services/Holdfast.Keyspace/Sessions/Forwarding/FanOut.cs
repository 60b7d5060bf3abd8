using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// A command over keys of several slots, as one command for each slot, and their replies as one. Each slot's is executed by itself: another client may see some done and others not, and after an error some are
/// done and others not. Only for clients that have asked for it, with forwarding.
/// </summary>
internal sealed class FanOut
{
    private readonly CommandSpec spec;
    private readonly List<List<int>> slots = [];
    private int keys;

    private FanOut(CommandSpec spec) => this.spec = spec;

    /// <summary>Into how many it was split.</summary>
    public int Count => slots.Count;

    /// <summary>Whether a command has a meaning when it is split.</summary>
    public static bool Takes(CommandSpec spec) => spec.Name is "mget" or "mset" or "del" or "unlink" or "exists" or "touch";

    /// <summary>Splits a command; what goes to the same shard stands together, so that it travels together.</summary>
    public static FanOut Split(CommandSpec spec, RespArguments request, KeyspaceNode node, ByteBuffer target)
    {
        var split = new FanOut(spec);
        var step = spec.Range.Step;
        var bySlot = new SortedDictionary<(int Shard, int Slot), List<int>>();
        for (var place = spec.Range.First; place < request.Count; place += step)
        {
            var slot = KeySlot.Of(request[place]);
            var home = (node.Topology.ShardOf(slot), slot);
            if (!bySlot.TryGetValue(home, out var places)) bySlot[home] = places = [];
            places.Add(place);
            split.keys++;
        }

        var writer = new RespWriter(target);
        foreach (var places in bySlot.Values)
        {
            split.slots.Add(places);
            writer.Array(1 + (places.Count * step));
            writer.Bulk(request[0]);
            foreach (var place in places)
                for (var i = 0; i < step; i++) writer.Bulk(request[place + i]);
        }

        return split;
    }

    /// <summary>One reply of many; the first error, when there is one.</summary>
    public void Combine(ReadOnlySpan<byte> replies, RespWriter writer)
    {
        var rest = replies;
        var sum = 0L;
        var values = spec.Name == "mget" ? new Range[keys] : [];
        foreach (var places in slots)
        {
            var reply = rest[..Math.Max(0, RespReply.Measure(rest))];
            if (reply.IsEmpty || reply[0] == '-')
            {
                if (reply.IsEmpty) writer.Error(CommandErrors.ClusterDown);
                else writer.Raw(reply);
                return;
            }

            if (spec.Name == "mget") Find(replies, replies.Length - rest.Length, places, values);
            else if (reply[0] == ':' && RespNumber.TryParse(reply[1..^2], out long number)) sum += number;
            rest = rest[reply.Length..];
        }

        if (spec.Name == "mget")
        {
            writer.Array(keys);
            foreach (var value in values) writer.Raw(replies[value]);
        }
        else if (spec.Name == "mset") writer.Ok();
        else writer.Integer(sum);
    }

    /// <summary>Where the values of one slot's keys stand.</summary>
    private void Find(ReadOnlySpan<byte> replies, int start, List<int> places, Range[] values)
    {
        var at = start + replies[start..].IndexOf((byte)'\n') + 1;
        foreach (var place in places)
        {
            var line = replies[at..].IndexOf((byte)'\n') + 1;
            var length = replies[at] == '$' && RespNumber.TryParse(replies.Slice(at + 1, line - 3), out long bytes) && bytes >= 0 ? line + (int)bytes + 2 : line;
            values[(place - spec.Range.First) / spec.Range.Step] = at..(at + length);
            at += length;
        }
    }
}
