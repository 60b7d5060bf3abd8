using System.Collections.Concurrent;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>Asking another node, again and again: kept control lines to each member, so that a question costs one round trip and no connecting. For all threads.</summary>
public sealed class NodeLines : IAsyncDisposable
{
    /// <summary>Lines that are kept idle for each node; more are opened when they are needed and closed afterwards.</summary>
    private const int IdleMax = 8;

    /// <summary>A line that was silent for so long is opened anew: the other side keeps it no longer than <see cref="TransportOptions.ControlIdleMax"/>.</summary>
    private static readonly TimeSpan SilentMax = TimeSpan.FromSeconds(5);

    private readonly Func<NodeId, string?> addressOf;
    private readonly ControlTrust trust;
    private readonly LocalNode self;
    private readonly TransportOptions options = new();
    private readonly ConcurrentDictionary<NodeId, ConcurrentStack<(ControlLine Line, long Since)>> idle = new();

    /// <summary>Lines from a node.</summary>
    /// <param name="addressOf">"host:port" of a member; null when it is none.</param>
    /// <param name="trust">How they are protected.</param>
    /// <param name="self">Who asks.</param>
    public NodeLines(Func<NodeId, string?> addressOf, ControlTrust trust, LocalNode self) => (this.addressOf, this.trust, this.self) = (addressOf, trust, self);

    /// <summary>Asks what may be asked twice: a kept line that turns out to be closed is replaced and the question asked again.</summary>
    public async ValueTask<ControlReply> ReadAsync(NodeId node, ushort verb, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        if (Take(node) is { } kept)
        {
            var reply = await CallAsync(node, kept, verb, payload, cancellation).ConfigureAwait(false);
            if (reply.Status != ControlStatus.Unreachable || cancellation.IsCancellationRequested) return reply;
        }

        return await WriteAsync(node, verb, payload, cancellation).ConfigureAwait(false);
    }

    /// <summary>Asks what must not be asked twice, on a new line: <see cref="ControlStatus.Busy"/> when it was certainly not asked, <see cref="ControlStatus.Unreachable"/> when nobody knows (S25).</summary>
    public async ValueTask<ControlReply> WriteAsync(NodeId node, ushort verb, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        ControlLine line;
        try
        {
            var target = addressOf(node) ?? throw new IOException($"node {node} is no member");
            line = await ControlLine.OpenAsync(target, trust, self, options, cancellation).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException)
        {
            return new ControlReply(ControlStatus.Busy, default, fault.Message, node, ClusterId.None);
        }

        return await CallAsync(node, line, verb, payload, cancellation).ConfigureAwait(false);
    }

    /// <summary>Closes what is idle.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var lines in idle.Values)
            while (lines.TryPop(out var each)) await each.Line.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<ControlReply> CallAsync(NodeId node, ControlLine line, ushort verb, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        var reply = await line.CallAsync(verb, payload, cancellation).ConfigureAwait(false);
        var lines = idle.GetOrAdd(node, static _ => new());
        if (line.IsUsable && reply.Server == node && lines.Count < IdleMax) lines.Push((line, Environment.TickCount64));
        else await line.DisposeAsync().ConfigureAwait(false);
        return reply.IsOk && reply.Server != node ? reply with { Status = ControlStatus.Busy, Fault = "another node answers at its address" } : reply;
    }

    private ControlLine? Take(NodeId node)
    {
        if (!idle.TryGetValue(node, out var lines)) return null;
        while (lines.TryPop(out var each))
        {
            if (Environment.TickCount64 - each.Since < SilentMax.TotalMilliseconds) return each.Line;
            _ = each.Line.DisposeAsync();
        }

        return null;
    }
}
