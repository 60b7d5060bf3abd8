using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;
using Holdfast.Transport;

namespace Holdfast.Simulation.Procedures;

/// <summary>
/// Control calls between processes: a connection for each, to whoever runs at the address. A question may be read late, when the line to its asker was cut long ago, and be carried out all the same; one that is paused answers
/// when it goes on, and one that dies cuts the line.
/// </summary>
internal sealed class ProcedureCalls(ClusterProcess process)
{
    private static readonly Mark HeldUp = new("sim pressure: a change of members was read long after the line to its asker was cut");
    private static readonly Mark ServedLate = new("sim: a control call was carried out after its asker had given up");

    private static readonly TimeSpan LooksEvery = TimeSpan.FromMilliseconds(20);

    private ClusterWorld World => process.World;

    public ValueTask<ControlReply> AskAsync(string target, ushort verb, byte[] question, TimeSpan longest)
    {
        var call = new TaskCompletionSource<ControlReply>();
        var machine = World.Machines.First(candidate => target.StartsWith(candidate.Name + ":", StringComparison.Ordinal));
        if (machine.Process is not { IsAlive: true } there || !World.Mesh.MayReach(process.Machine.Slot, machine.Slot))
        {
            World.Clock.After(Way(), () => process.WhenAwake(() => call.TrySetResult(Unreachable("nobody listens there"))));
            return new(call.Task);
        }

        if (IsReadLate(there, verb)) ReadLate(there, verb, question, call);
        else World.Clock.After(there == process ? TimeSpan.Zero : Way(), () => there.WhenAwake(() => _ = ServeAsync(there, verb, question, call))); // A node calls itself without a wire.
        World.Clock.After(process.Machine.Clock.TrueSpan(longest), () => process.WhenAwake(() => call.TrySetResult(Unreachable("no answer in time"))));
        Watch(there, call);
        return new(call.Task);
    }

    private bool IsReadLate(ClusterProcess there, ushort verb) => World.Options.Procedures == ProcedurePressure.LateServant && !World.IsHealed && verb == ClusterVerbs.Change && there != process && process.Dice.Chance(0.5);

    /// <summary>The question lies where it is to be read, and the line is cut before it is: its asker asks again soon, and so may others, while it lies there.</summary>
    private void ReadLate(ClusterProcess there, ushort verb, byte[] question, TaskCompletionSource<ControlReply> call)
    {
        HeldUp.Hit();
        World.Clock.After(process.Dice.NextSpan(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(100)), () => process.WhenAwake(() => call.TrySetResult(Unreachable("the line was cut"))));
        World.Clock.After(process.Dice.NextSpan(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(4)), () => there.WhenAwake(() => _ = ServeAsync(there, verb, question, call)));
    }

    private async Task ServeAsync(ClusterProcess there, ushort verb, byte[] question, TaskCompletionSource<ControlReply> call)
    {
        if (call.Task.IsCompleted) ServedLate.Hit();
        ControlReply reply;
        try
        {
            reply = Reply(there, ControlStatus.Ok, await there.Procedures!.AnswerAsync(new ControlRequest(verb, question, process.Node, ClusterWorld.Cluster, process.Machine.Version, true, process.Machine.Name)), "");
        }
        catch (ControlRefusedException refused)
        {
            reply = Reply(there, refused.MayPass ? ControlStatus.Busy : ControlStatus.Failed, default, refused.Message);
        }
        catch (Exception fault)
        {
            there.OnFault(fault);
            return;
        }

        World.Clock.After(Way(), () =>
        {
            if (World.Mesh.MayReach(there.Machine.Slot, process.Machine.Slot)) process.WhenAwake(() => call.TrySetResult(reply));
        });
    }

    /// <summary>The line is cut when the other process is gone, and sometimes when nothing passes between the two.</summary>
    private void Watch(ClusterProcess there, TaskCompletionSource<ControlReply> call) => World.Clock.After(LooksEvery, () =>
    {
        if (!process.IsAlive || call.Task.IsCompleted) return;
        if (there.IsAlive) Watch(there, call);
        else process.WhenAwake(() => call.TrySetResult(Unreachable("the line was cut")));
    });

    private static ControlReply Reply(ClusterProcess there, ControlStatus status, ReadOnlyMemory<byte> payload, string fault) => new(status, payload, fault, there.Node, ClusterWorld.Cluster);

    private static ControlReply Unreachable(string fault) => new(ControlStatus.Unreachable, default, fault, NodeId.None, ClusterId.None);

    private TimeSpan Way() => process.Dice.NextSpan(World.Options.DelayMin, World.Options.DelayMax);
}
