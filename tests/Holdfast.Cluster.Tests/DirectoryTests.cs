using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Cluster.Tests;

public sealed class DirectoryTests
{
    private const long Minute = 60_000_000;

    [Fact]
    public void Founding_happens_once()
    {
        var directory = Cast.Founded(1, 2, 3);
        Assert.Equal(3, directory.View.Members.Count);
        Assert.True(directory.Tell(DirectoryCommand.Found(Cast.GenesisOf(1, 2, 3))).Accepted);
        Assert.Equal(1UL, directory.View.Revision);
        var other = Cast.GenesisOf(7) with { Cluster = new ClusterId(9) };
        Assert.False(directory.Tell(DirectoryCommand.Found(other)).Accepted);
    }

    [Fact]
    public void A_token_admits_as_many_nodes_as_it_says_and_the_same_node_twice()
    {
        var directory = Cast.Founded(1, 2, 3);
        var token = JoinToken.Create(directory.View.Cluster, default);
        Assert.True(directory.Tell(DirectoryCommand.AddToken(token.Hash, 10 * Minute, 1)).Accepted);
        var first = directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), token.Hash, false));
        var again = directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), token.Hash, false));
        Assert.True(first.Accepted);
        Assert.Equal(first, again);
        Assert.Equal("the join token is used up", directory.Tell(DirectoryCommand.AddNode(Cast.Node(5), token.Hash, false)).Reason);
    }

    [Fact]
    public void An_expired_or_revoked_token_admits_nobody()
    {
        var directory = Cast.Founded(1);
        directory.Tell(DirectoryCommand.AddToken(JoinToken.HashOf([1]), Minute, 9), timeMicros: 0);
        Assert.Contains("expired", directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), JoinToken.HashOf([1]), false), timeMicros: Minute).Reason, StringComparison.Ordinal);
        directory.Tell(DirectoryCommand.RevokeToken(JoinToken.HashOf([1])));
        Assert.Contains("revoked", directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), JoinToken.HashOf([1]), false)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void S5_a_node_whose_binary_lacks_the_feature_level_is_refused()
    {
        var directory = Cast.Founded(1);
        Assert.Contains("S5", directory.Tell(DirectoryCommand.AddNode(Cast.Node(4, levelMax: 1), "", false), level: 2).Reason, StringComparison.Ordinal);
        Assert.True(directory.Tell(DirectoryCommand.AddNode(Cast.Node(4, levelMax: 2), "", false), level: 2).Accepted);
    }

    [Fact]
    public void A_taken_name_is_refused_unless_it_replaces()
    {
        var directory = Cast.Founded(1, 2, 3);
        Assert.Contains("belongs to node", directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", false)).Reason, StringComparison.Ordinal);
        Assert.True(directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", true)).Accepted);
        Assert.Equal(ProcedureKind.ReplaceIncarnation, directory.View.RunningAbout(new NodeId(9))!.Kind);
        Assert.Equal(new NodeId(9), directory.View.FindByName("n2")!.Node);
    }

    [Fact]
    public void S4_a_removed_incarnation_never_comes_back()
    {
        var directory = Cast.Founded(1, 2, 3);
        var removal = directory.Tell(DirectoryCommand.RemoveNode(new NodeId(3)));
        directory.Tell(DirectoryCommand.FinishProcedure(removal.Id, true, ""));
        Assert.DoesNotContain(new NodeId(3), directory.View.Members.Keys);
        Assert.Contains("removed for good", directory.Tell(DirectoryCommand.AddNode(Cast.Node(3), "", true)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_replacement_that_is_wiped_again_hands_its_task_to_the_next()
    {
        var directory = Cast.Founded(1, 2, 3);
        directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", true));
        directory.Tell(DirectoryCommand.AddNode(Cast.Node(10, "n2"), "", true));
        Assert.Equal(new NodeId(2), directory.View.RunningAbout(new NodeId(10))!.Replaces);
        Assert.Contains(new NodeId(9), directory.View.Removed);
        Assert.Null(directory.View.RunningAbout(new NodeId(9)));
    }

    [Fact]
    public void A_removal_does_not_end_while_a_group_is_placed_on_the_node()
    {
        var directory = Cast.Founded(1, 2, 3);
        var group = new GroupId(directory.Tell(DirectoryCommand.CreateGroup("keyspace", [new ReplicaPlace(new NodeId(3), MemberRole.Voter)])).Id);
        var removal = directory.Tell(DirectoryCommand.RemoveNode(new NodeId(3)));
        Assert.Contains("still placed", directory.Tell(DirectoryCommand.FinishProcedure(removal.Id, true, "")).Reason, StringComparison.Ordinal);
        Assert.True(directory.Tell(DirectoryCommand.PlaceGroup(group, [new ReplicaPlace(new NodeId(1), MemberRole.Voter)])).Accepted);
        Assert.True(directory.Tell(DirectoryCommand.FinishProcedure(removal.Id, true, "")).Accepted);
        Assert.Contains(new NodeId(3), directory.View.Removed);
    }

    [Fact]
    public void The_last_member_cannot_leave()
    {
        var directory = Cast.Founded(1, 2);
        Assert.True(directory.Tell(DirectoryCommand.RemoveNode(new NodeId(1))).Accepted);
        Assert.False(directory.Tell(DirectoryCommand.RemoveNode(new NodeId(2))).Accepted);
    }

    [Fact]
    public void S6_group_ids_are_never_used_again()
    {
        var directory = Cast.Founded(1, 2, 3);
        var first = directory.Tell(DirectoryCommand.CreateGroup("keyspace", [new ReplicaPlace(new NodeId(1), MemberRole.Voter)]));
        var second = directory.Tell(DirectoryCommand.CreateGroup("keyspace", [new ReplicaPlace(new NodeId(2), MemberRole.Voter)]));
        Assert.Equal((2UL, 3UL), (first.Id, second.Id));
        Assert.False(directory.Tell(DirectoryCommand.CreateGroup("keyspace", [])).Accepted);
        Assert.False(directory.Tell(DirectoryCommand.PlaceGroup(new GroupId(2), [new ReplicaPlace(new NodeId(77), MemberRole.Voter)])).Accepted);
    }

    [Fact]
    public void A_snapshot_restores_content_and_hash_while_the_original_goes_on()
    {
        var directory = Cast.Founded(1, 2, 3);
        directory.Tell(DirectoryCommand.SetSetting("a", "1"));
        directory.Tell(DirectoryCommand.AddToken(JoinToken.HashOf([1]), Minute, 2));
        directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), "", false));
        directory.Tell(DirectoryCommand.CreateGroup("keyspace", [new ReplicaPlace(new NodeId(1), MemberRole.Voter)]));
        directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", true));
        var (revision, hash) = (directory.View.Revision, directory.StateHash);
        var restored = new DirectoryState();
        using (var snapshot = directory.CaptureSnapshot())
        using (var builder = restored.BeginRestore())
        {
            directory.Tell(DirectoryCommand.SetSetting("a", "2"));
            Carry(snapshot, builder);
            builder.Complete();
        }

        Assert.Equal((revision, hash), (restored.View.Revision, restored.StateHash));
        Assert.Equal("1", restored.View.Settings["a"]);
        restored.Tell(DirectoryCommand.SetSetting("a", "2"));
        Assert.Equal(directory.StateHash, restored.StateHash);
        Assert.Equal(Encoded(directory.View), Encoded(restored.View));
    }

    [Fact]
    public void A_snapshot_of_many_groups_is_encoded_a_slice_at_a_time()
    {
        var directory = Cast.Founded(1, 2, 3);
        for (var group = 0; group < 20_000; group++) directory.Tell(DirectoryCommand.CreateGroup("keyspace", [new ReplicaPlace(new NodeId(1), MemberRole.Voter)]));
        for (var setting = 0; setting < 8; setting++) Assert.True(directory.Tell(DirectoryCommand.SetSetting($"large{setting}", new string('x', 60_000))).Accepted);
        var restored = new DirectoryState();
        List<int> slices;
        using (var snapshot = directory.CaptureSnapshot())
        using (var builder = restored.BeginRestore())
        {
            slices = Carry(snapshot, builder);
            builder.Complete();
        }

        Assert.InRange(slices.Count, 10, 100);
        Assert.True(slices.Max() <= 128 * 1024, $"a slice of {slices.Max()} bytes");
        Assert.Equal(directory.StateHash, restored.StateHash);
        Assert.Equal(Encoded(directory.View), Encoded(restored.View));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void A_view_is_read_record_by_record_from_pieces_of_any_size(int pieceBytes)
    {
        var directory = Cast.Founded(1, 2, 3);
        directory.Tell(DirectoryCommand.SetSetting("a", "1"));
        directory.Tell(DirectoryCommand.AddToken(JoinToken.HashOf([1]), Minute, 2));
        directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", true));
        ImmutableArray<ReplicaPlace> here = [new ReplicaPlace(new NodeId(1), MemberRole.Voter)];
        var groups = Enumerable.Range(0, 3).Select(_ => new GroupId(directory.Tell(DirectoryCommand.CreateGroup("keyspace", here)).Id)).ToArray();
        directory.Tell(DirectoryCommand.BeginMove(groups[0], groups[1], "0-9"));
        directory.Tell(DirectoryCommand.DeleteGroup(groups[2]));
        var bytes = Encoded(directory.View);
        var reading = new DirectoryReading();
        for (var from = 0; from < bytes.Length; from += pieceBytes)
        {
            Assert.False(reading.IsWhole);
            reading.Take(bytes.AsSpan(from, Math.Min(pieceBytes, bytes.Length - from)));
        }

        Assert.True(reading.IsWhole);
        Assert.Equal(bytes, Encoded(reading.ToView()));
        reading.Take([0]);
        Assert.False(reading.IsWhole); // More than a view is no view.
    }

    [Fact]
    public void A_setting_that_is_compared_is_set_by_one_of_two_and_asking_again_is_harmless()
    {
        var directory = Cast.Founded(1, 2, 3);
        Assert.True(directory.Tell(DirectoryCommand.CompareSetting("a", "", "mine")).Accepted);
        Assert.False(directory.Tell(DirectoryCommand.CompareSetting("a", "", "yours")).Accepted);
        Assert.True(directory.Tell(DirectoryCommand.CompareSetting("a", "", "mine")).Accepted);
        Assert.Equal("mine", directory.View.Settings["a"]);
        Assert.True(directory.Tell(DirectoryCommand.CompareSetting("a", "mine", "")).Accepted);
        Assert.False(directory.View.Settings.ContainsKey("a"));
    }

    [Fact]
    public void A_malformed_command_is_refused_and_changes_nothing()
    {
        var directory = Cast.Founded(1, 2, 3);
        var hash = directory.StateHash;
        var whole = DirectoryCommand.AddNode(Cast.Node(4), JoinToken.HashOf([1]), true);
        for (var length = 0; length < whole.Length; length++) Assert.False(directory.Tell(whole[..length]).Accepted);
        Assert.False(directory.Tell([9, 9, 9]).Accepted);
        Assert.False(directory.Tell([1, 200]).Accepted);
        Assert.Equal(hash, directory.StateHash);
    }

    private static byte[] Encoded(DirectoryView view)
    {
        var buffer = new ByteBuffer();
        foreach (var length in DirectoryCodec.WriteInSteps(buffer, view)) Assert.Equal(buffer.Length, length);
        return buffer.Written.ToArray();
    }

    [Fact]
    public void A_move_between_groups_of_a_face_is_remembered_until_it_is_over()
    {
        var directory = Cast.Founded(1, 2, 3);
        ImmutableArray<ReplicaPlace> here = [new ReplicaPlace(new NodeId(1), MemberRole.Voter)];
        var (source, target) = (new GroupId(directory.Tell(DirectoryCommand.CreateGroup("keyspace", here)).Id), new GroupId(directory.Tell(DirectoryCommand.CreateGroup("keyspace", here)).Id));
        var other = new GroupId(directory.Tell(DirectoryCommand.CreateGroup("vectors", here)).Id);
        Assert.False(directory.Tell(DirectoryCommand.BeginMove(source, source, "0-9")).Accepted);
        Assert.False(directory.Tell(DirectoryCommand.BeginMove(source, other, "0-9")).Accepted);
        Assert.False(directory.Tell(DirectoryCommand.BeginMove(source, target, "")).Accepted);
        var begun = directory.Tell(DirectoryCommand.BeginMove(source, target, "0-9"));
        Assert.True(begun.Accepted);
        Assert.Equal(begun, directory.Tell(DirectoryCommand.BeginMove(source, target, "0-9")));
        Assert.True(directory.Tell(DirectoryCommand.CancelMove(begun.Id)).Accepted);
        Assert.Equal(new GroupMove(source, target, "0-9", true), directory.View.Procedures[begun.Id].Move);
        var buffer = new ByteBuffer();
        Assert.NotEmpty(DirectoryCodec.WriteInSteps(buffer, directory.View).ToArray());
        var reading = new DirectoryReading();
        reading.Take(buffer.Written);
        Assert.Equal(directory.View.Procedures[begun.Id], reading.ToView().Procedures[begun.Id]);
        Assert.IsType<ProcedureAction.Wait>(Procedure.Next(directory.View.Procedures[begun.Id], directory.View, new Dictionary<GroupId, GroupSighting>()));
        var members = directory.View.Members.Count;
        Assert.True(directory.Tell(DirectoryCommand.FinishProcedure(begun.Id, false, "given up")).Accepted);
        Assert.Equal(ProcedureState.Failed, directory.View.Procedures[begun.Id].State);
        Assert.Equal(members, directory.View.Members.Count);
        Assert.False(directory.Tell(DirectoryCommand.CancelMove(999)).Accepted);
    }

    /// <summary>Hands a snapshot over as its taker does, and says how long each chunk was.</summary>
    private static List<int> Carry(ISnapshotView snapshot, ISnapshotBuilder builder)
    {
        var lengths = new List<int>();
        var chunk = new ByteBuffer();
        for (var goesOn = true; goesOn;)
        {
            chunk.Clear();
            goesOn = snapshot.WriteNext(chunk);
            if (chunk.Length == 0) continue;
            lengths.Add(chunk.Length);
            builder.ReadNext(chunk.Written);
        }

        return lengths;
    }
}
