using System.Buffers;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints.Locks;
using Holdfast.Coordination.Protocol.Locks;
using Holdfast.Primitives;
using Holdfast.Simulation.Running;
using Google.Protobuf;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// The operator's worst day: a backup is taken while the cluster is used, at the end everything is lost, and the backup is restored as the production server does
/// it, skipping revisions (S12). Whatever is given then, revision or fencing token, is newer than anything that was given before.
/// </summary>
internal sealed class RestoreDrill(ClusterWorld world)
{
    /// <summary>More than any run has; the server leaves out a thousand million at least.</summary>
    private const long RevisionsSkipped = 1_000_000;

    private static readonly Mark Restored = new("sim: the keyspace was restored from a backup older than its end");

    private readonly SeededRandom dice = new(world.Options.Seed ^ 0xBAC_0095);
    private List<byte[]>? backup;
    private long backedUpAt;

    public void Begin()
    {
        if (world.Options.LockClients > 0) world.Clock.After(world.Options.Storm * (0.3 + 0.6 * dice.NextDouble()), TakeBackup);
    }

    public void Restore()
    {
        if (backup is null) return;
        if (world.Revisions.Floor > backedUpAt) Restored.Hit();
        var machine = new CoordinationStateMachine();
        using (var builder = machine.BeginRestore())
        {
            foreach (var chunk in backup) builder.ReadNext(chunk);
            builder.Complete();
        }

        var local = new LocalCoordination(new CoordinationIdentity { ClusterId = ClusterWorld.Cluster.Value, MemberId = 1, Members = () => [] }, machine);
        if (world.Options.Mutation != ClusterMutation.FenceResetByRestore) Finished(local.Face.RaiseRevisionsAsync(floor: 0, RevisionsSkipped, default));
        var granted = Finished(LockCalls.LockAsync(local.Face.As(AuthAdmin.Root), new LockRequest { Name = ByteString.CopyFromUtf8("lock/drill") }, default).AsTask());
        Require(granted.Fence > world.LockCheck.HighestFence, $"after a restore token {granted.Fence} was given, and {world.LockCheck.HighestFence} had been given before");
        Require(granted.Header.Revision > world.Revisions.Floor, $"after a restore revision {granted.Header.Revision} was shown, and {world.Revisions.Floor} had been shown before");
    }

    private void TakeBackup()
    {
        if (world.LeaderOf(ClusterWorld.Keyspace) is not { } leader || leader.GroupOf(ClusterWorld.Keyspace) is not { Status.IsServingLeader: true, Replica.State.IsMidEntry: false })
        {
            if (!world.IsHealed) world.Clock.After(TimeSpan.FromMilliseconds(100), TakeBackup);
            return;
        }

        var chunks = new List<byte[]>();
        using var view = leader.KeyspaceMachine.CaptureWhole();
        var chunk = new ArrayBufferWriter<byte>();
        for (var goesOn = true; goesOn;)
        {
            chunk.ResetWrittenCount();
            goesOn = view.WriteNext(chunk);
            if (chunk.WrittenCount > 0) chunks.Add(chunk.WrittenSpan.ToArray());
        }

        (backup, backedUpAt) = (chunks, leader.KeyspaceMachine.Store.Revision);
    }

    /// <summary>Nothing waits here: it is all in one process.</summary>
    private static T Finished<T>(Task<T> task) => task.IsCompleted ? task.GetAwaiter().GetResult() : throw new CheckFailedException("a keyspace in one process made a call wait");

    private static void Require(bool holds, string sentence)
    {
        if (!holds) throw new CheckFailedException(sentence);
    }
}
