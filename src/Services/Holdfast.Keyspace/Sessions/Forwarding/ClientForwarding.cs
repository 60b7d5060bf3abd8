using Holdfast.Primitives;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// What of one client is with other nodes: a batch of its commands at a time, sent to the node that leads their shard, whose replies come back as a whole. Until then the client takes up nothing further, so the
/// order of its replies is that of its commands. What was sent and not answered when the node goes away has an unknown outcome: the client is cut off (S19), unless all of it only reads.
/// </summary>
internal sealed class ClientForwarding(ClientSession client, KeyspaceNode node)
{
    /// <summary>More nodes than a command passes while leaders change; then it waits where it is.</summary>
    public const int HopsMax = 6;

    private const int CommandsMax = 128;
    private const int BatchBytesMax = 256 * 1024;
    private const int PartBytesMax = 1024 * 1024;
    private const int KeptBytesMax = 16 * 1024;

    private static readonly Mark Severed = new("keyspace: a client was cut off because the node that had its command went away", elsewhere: "ForwardingTests: simulated clients follow redirections");
    private static readonly Mark Repeated = new("keyspace: forwarded reads were sent again to another node", elsewhere: "ForwardingTests: simulated clients follow redirections");

    private readonly ByteBuffer requests = new(512);
    private readonly ByteBuffer replies = new(512);
    private readonly List<int> dropped = [];
    private readonly List<NodeId> visited = [];
    private FanOut? parts;
    private NodeId forgetsAt = NodeId.None;
    private Instant giveUpAt;
    private bool isRepeatable;
    private bool isUnwanted;
    private int commands;
    private int sent;
    private int slot;

    /// <summary>The node that has its commands.</summary>
    public NodeId Target { get; private set; } = NodeId.None;

    /// <summary>The node where it watches keys (WATCH); none when it does not, or here.</summary>
    public NodeId WatchedAt { get; private set; } = NodeId.None;

    /// <summary>Commands are on their way or being executed.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>Whether another command may go in the same batch.</summary>
    public bool TakesMore => commands < CommandsMax && requests.Length < BatchBytesMax;

    /// <summary>A batch begins.</summary>
    public void Begin(NodeId target, int slotOfFirst)
    {
        requests.Clear();
        replies.Clear();
        dropped.Clear();
        (Target, slot, commands, sent, parts, isRepeatable, IsUnderWay) = (target, slotOfFirst, 0, 0, null, true, true);
        giveUpAt = node.Now + node.Options.LeaderPatience;
        if (forgetsAt != target) return;
        forgetsAt = NodeId.None;
        Drop("UNWATCH"u8);
    }

    /// <summary>A command over keys of several slots: this node makes one command of it for each slot, and sends those on that are not its own.</summary>
    public void BeginParts(CommandSpec spec, RespArguments request)
    {
        Begin(node.Topology.Self, -1);
        parts = FanOut.Split(spec, request, node, requests);
        isUnwanted = client.Traits.Replying is ReplyMode.Off or ReplyMode.Skipping;
        isRepeatable = spec.Has(CommandFlags.ReadOnly);
        commands = parts.Count;
        node.Counters.Forwarded++;
    }

    /// <summary>The client's present command joins the batch; of EXEC, the whole transaction.</summary>
    public void Add(CommandSpec spec, RespArguments request, Transaction transaction)
    {
        if (spec.Name == "exec")
        {
            Drop("MULTI"u8);
            foreach (var (_, arguments) in transaction.Queued)
            {
                dropped.Add(commands);
                Write(arguments);
            }

            WatchedAt = NodeId.None;
        }
        else if (spec.Name == "watch")
        {
            WatchedAt = Target;
        }

        if (client.Traits.Replying is ReplyMode.Off or ReplyMode.Skipping) dropped.Add(commands);
        isRepeatable &= spec.Has(CommandFlags.ReadOnly);
        Write(request);
        node.Counters.Forwarded++;
    }

    /// <summary>Sends what it can, and the rest later.</summary>
    public void Send()
    {
        var terms = ForwardTerms.Of(client);
        while (IsUnderWay && sent < requests.Length)
        {
            var part = requests.Written[sent..];
            var isLast = part.Length <= PartBytesMax;
            if (!isLast) part = part[..PartBytesMax];
            if (!visited.Contains(Target)) visited.Add(Target);
            sent += part.Length;
            if (node.Forwards.TrySendRequests(Target, client.Id, terms, part, isLast)) continue;
            sent -= part.Length;
            node.Forwards.Stall(this);
            return;
        }
    }

    /// <summary>Tries once more to send what could not be sent; nothing of it was executed, so another node may have it.</summary>
    public void Retry()
    {
        if (!IsUnderWay || client.IsClosed) return;
        if (sent == 0 && slot >= 0)
        {
            var topology = node.Topology;
            if (topology.ShardOf(slot) is >= 0 and var shard && topology.LeaderOf(shard) is var leader && leader != NodeId.None)
            {
                if (WatchedAt == Target) WatchedAt = leader;
                Target = leader;
            }
        }

        if (sent == 0 && node.Now >= giveUpAt) Refuse();
        else Send();
    }

    /// <summary>Replies, or a part of them.</summary>
    public void OnReplies(NodeId from, ReadOnlySpan<byte> bytes, bool isLast)
    {
        if (!IsUnderWay || from != Target) return;
        if (replies.Length + (long)bytes.Length > RespWriter.BytesMax)
        {
            client.Close();
            return;
        }

        new SpanWriter(replies).WriteBytes(bytes);
        if (isLast) Complete();
    }

    /// <summary>The node that executes will not reply.</summary>
    public void OnGuestGone(NodeId from)
    {
        if (IsUnderWay && from == Target) client.Close();
    }

    /// <summary>A node is gone: what it was sent may have been executed or not.</summary>
    public void OnPeerDown(NodeId peer)
    {
        visited.Remove(peer);
        if (WatchedAt == peer)
        {
            WatchedAt = NodeId.None;
            client.Transaction.IsBroken = true;
        }

        if (forgetsAt == peer) forgetsAt = NodeId.None;
        if (!IsUnderWay || Target != peer || sent == 0) return;
        if (isRepeatable)
        {
            Repeated.Hit();
            sent = 0;
            replies.Clear();
            giveUpAt = node.Now + node.Options.LeaderPatience;
            node.Forwards.Stall(this);
        }
        else
        {
            Severed.Hit();
            client.Close();
        }
    }

    /// <summary>The client watches nothing any more; the node where it did is told with its next command there.</summary>
    public void OnUnwatched()
    {
        if (WatchedAt == NodeId.None) return;
        forgetsAt = WatchedAt;
        WatchedAt = NodeId.None;
    }

    /// <summary>The client is gone.</summary>
    public void End()
    {
        IsUnderWay = false;
        foreach (var peer in visited) node.Forwards.Leave(peer, client.Id);
        visited.Clear();
    }

    private void Complete()
    {
        IsUnderWay = false;
        if (parts is not null || dropped.Count > 0)
        {
            var shown = new ByteBuffer(512);
            if (parts is null) CopyWanted(shown);
            else if (!isUnwanted) parts.Combine(replies.Written, new RespWriter(shown) { Protocol = client.Replies.Writer.Protocol });
            client.OnForwarded(shown.Written);
        }
        else
        {
            client.OnForwarded(replies.Written);
        }

        requests.Trim(KeptBytesMax);
        replies.Trim(KeptBytesMax);
        parts = null;
    }

    private void CopyWanted(ByteBuffer target)
    {
        var rest = replies.Written;
        for (var (i, skipped) = (0, 0); i < commands; i++)
        {
            var length = RespReply.Measure(rest);
            Invariant.Holds(length > 0, "a node sent fewer replies than it was sent commands");
            if (skipped < dropped.Count && dropped[skipped] == i) skipped++;
            else new SpanWriter(target).WriteBytes(rest[..length]);
            rest = rest[length..];
        }
    }

    /// <summary>Nobody could be sent the batch: each command is refused as one whose leader is unknown.</summary>
    private void Refuse()
    {
        IsUnderWay = false;
        var refusal = new ByteBuffer(512);
        var writer = new RespWriter(refusal);
        for (var left = parts is not null ? 1 : commands - dropped.Count; left > 0; left--) writer.Error(CommandErrors.ClusterDown);
        client.OnForwarded(refusal.Written);
    }

    private void Drop(ReadOnlySpan<byte> command)
    {
        dropped.Add(commands);
        new RespWriter(requests).Array(1);
        new RespWriter(requests).Bulk(command);
        commands++;
    }

    private void Write(RespArguments request)
    {
        var writer = new RespWriter(requests);
        writer.Array(request.Count);
        for (var i = 0; i < request.Count; i++) writer.Bulk(request[i]);
        commands++;
    }
}
