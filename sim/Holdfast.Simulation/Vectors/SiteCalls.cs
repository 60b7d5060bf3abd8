using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;
using Holdfast.Transport;
using Holdfast.Vectors.Endpoints.Routing;

namespace Holdfast.Simulation.Vectors;

/// <summary>
/// Calls between nodes as their kept lines carry them: whole or not at all. A node that is down or cut off cannot be reached, one that dies meanwhile cuts the line, and one that is paused says nothing until it
/// goes on.
/// </summary>
internal sealed class SiteCalls(ClusterProcess process) : INodeCalls
{
    private static readonly TimeSpan LooksEvery = TimeSpan.FromMilliseconds(20);

    private ClusterWorld World => process.World;

    public ValueTask<ControlReply> ReadAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel) => AskAsync(node, message.ToArray());

    public ValueTask<ControlReply> WriteAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel) => AskAsync(node, message.ToArray());

    private ValueTask<ControlReply> AskAsync(NodeId node, byte[] message)
    {
        var call = new TaskCompletionSource<ControlReply>();
        if (World.MachineOf(node) is not { Process: { IsAlive: true } there } machine || !World.Mesh.MayReach(process.Machine.Slot, machine.Slot))
        {
            // Nobody took the line: certainly nothing was asked.
            After(() => call.TrySetResult(new ControlReply(ControlStatus.Busy, default, "no line", node, default)));
            return new(call.Task);
        }

        World.Clock.After(Way(), () => there.WhenAwake(() => _ = ServeAsync(there, node, message, call)));
        Watch(there, machine.Slot, node, call);
        return new(call.Task);
    }

    private async Task ServeAsync(ClusterProcess there, NodeId node, byte[] message, TaskCompletionSource<ControlReply> call)
    {
        try
        {
            var answer = await there.Vectors!.AnswerAsync(message);
            World.Clock.After(Way(), () =>
            {
                // What cannot pass is lost with its line, however short the cut.
                var reply = World.Mesh.MayReach(there.Machine.Slot, process.Machine.Slot) ? new ControlReply(ControlStatus.Ok, answer, "", node, default) : new ControlReply(ControlStatus.Unreachable, default, "the line was cut", node, default);
                process.WhenAwake(() => call.TrySetResult(reply));
            });
        }
        catch (Exception fault)
        {
            World.Fault(fault);
        }
    }

    /// <summary>The line is cut when the other process is gone, or when nothing passes between the two.</summary>
    private void Watch(ClusterProcess there, int slot, NodeId node, TaskCompletionSource<ControlReply> call) => World.Clock.After(LooksEvery, () =>
    {
        if (!process.IsAlive || call.Task.IsCompleted) return;
        if (there.IsAlive && World.Mesh.MayReach(process.Machine.Slot, slot) && World.Mesh.MayReach(slot, process.Machine.Slot)) Watch(there, slot, node, call);
        else process.WhenAwake(() => call.TrySetResult(new ControlReply(ControlStatus.Unreachable, default, "the line was cut", node, default)));
    });

    private void After(Action act) => World.Clock.After(Way(), () => process.WhenAwake(act));

    private TimeSpan Way() => process.Dice.NextSpan(World.Options.DelayMin, World.Options.DelayMax);
}
