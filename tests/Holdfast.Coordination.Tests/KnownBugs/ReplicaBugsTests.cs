using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Wire;

namespace Holdfast.Coordination.Tests.KnownBugs;

/// <summary>What made members of etcd differ from each other, done to ours (the table in docs/coordination.md).</summary>
public sealed class ReplicaBugsTests
{
    /// <summary>
    /// etcd #14571: a member that took a snapshot went on with the permissions that it had remembered, refused what the others executed, and differed from then on.
    /// </summary>
    [Fact]
    public async Task A_member_that_takes_a_snapshot_lets_the_same_users_do_the_same_from_its_first_entry_on()
    {
        var leader = new Local();
        var authed = await AuthedLocal.StartAsync(leader);
        var user = await authed.User("u", (Permission.Types.Type.Readwrite, "a", "c"));

        // The other member knows the user without his newest permission, and has been asked about him.
        var follower = new CoordinationStateMachine();
        Copy(leader.Machine, follower);
        var refused = Machine.Apply(follower, 500, 1, Named(leader, "u", "x"));
        Assert.Equal(AuthErrors.PermissionDenied, refused.Error);

        await authed.Grant("u", Permission.Types.Type.Readwrite, "x");
        await AuthedLocal.Put(await authed.SignIn("u", "u"), "a");
        Copy(leader.Machine, follower);
        Assert.Equal(leader.Machine.StateHash, follower.StateHash);
        foreach (var (index, key) in (ReadOnlySpan<(ulong, string)>)[(600, "x"), (601, "a"), (602, "y"), (603, "b")])
        {
            var command = Named(leader, "u", key);
            var (here, there) = (Machine.Apply(leader.Machine, index, 1, command), Machine.Apply(follower, index, 1, command));
            Assert.Equal(here.Error, there.Error);
            Assert.Equal(key == "y" ? AuthErrors.PermissionDenied : null, there.Error);
            Assert.Equal(leader.Machine.StateHash, follower.StateHash);
        }

        Assert.NotNull(user);
    }

    /// <summary>
    /// etcd #18667: a transaction that reads a revision which is being compacted failed on members that had forgotten it and was executed on those that had not yet.
    /// </summary>
    [Fact]
    public async Task A_transaction_that_reads_a_compacted_revision_is_refused_alike_however_far_a_member_has_forgotten_it()
    {
        var swept = new Local();
        for (var key = 0; key < 2000; key++) await swept.Put($"k{key:D4}", "1");
        await swept.Delete("k1", "k2");
        var (unswept, restored) = (new CoordinationStateMachine(), new CoordinationStateMachine());
        Copy(swept.Machine, unswept);
        var compact = Command.Encode(CommandKind.Compact, new CompactionRequest { Revision = swept.Machine.Store.Revision });
        foreach (var machine in (CoordinationStateMachine[])[swept.Machine, unswept]) Assert.Null(Machine.Apply(machine, 5000, 1, compact).Error);
        while (swept.Machine.RunSlice())
        {
            // This one forgets all of it.
        }

        Copy(swept.Machine, restored);
        CoordinationStateMachine[] members = [swept.Machine, unswept, restored];
        ulong index = 5001;
        foreach (var (past, error) in (ReadOnlySpan<(long, EtcdError?)>)[(100, EtcdErrors.Compacted), (2001, EtcdErrors.Compacted), (2002, null), (9999, EtcdErrors.FutureRevision)])
        {
            TxnRequest[] kinds =
            [
                new() { Success = { Local.PutOp("a", "1"), Local.RangeOp("k0000", "l", past) } },
                new() { Success = { Local.RangeOp("k0000", "l", past), Local.PutOp("a", "2"), Local.DeleteOp("k0000") } },
                new() { Success = { Local.PutOp("b", "1"), new RequestOp { RequestTxn = new TxnRequest { Success = { Local.RangeOp("k0000", "", past) } } } } },
            ];
            foreach (var kind in kinds)
            {
                var command = Command.Encode(CommandKind.Txn, kind);
                var before = swept.Machine.Store.Revision;
                index++;
                var replies = members.Select(member => Machine.Apply(member, index, 1, command)).ToArray();
                Assert.All(replies, reply => Assert.Equal(error, reply.Error));
                Assert.All(replies, reply => Assert.Equal(replies[0].Message, reply.Message));
                Assert.Single(members.Select(member => member.StateHash).Distinct());
                Assert.Equal(error is null, swept.Machine.Store.Revision > before);
            }
        }
    }

    private static byte[] Named(Local on, string user, string key)
    {
        var command = Command.Encode(CommandKind.Put, new PutRequest { Key = Local.B(key), Value = Local.B("v") });
        return AuthCommand.InTheNameOf(new Requester(user, on.Machine.Auth.View.Revision), command);
    }

    private static void Copy(CoordinationStateMachine from, CoordinationStateMachine to)
    {
        using var view = from.CaptureSnapshot();
        using var builder = to.BeginRestore();
        var chunk = new ByteBuffer();
        while (view.WriteNext(chunk))
        {
            builder.ReadNext(chunk.Written);
            chunk.Clear();
        }

        builder.Complete();
    }
}
