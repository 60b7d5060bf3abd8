using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

public sealed class ReservedPlaceTests
{
    private const long Never = 0;

    [Fact]
    public void A_place_that_was_taken_leaves_nothing_behind()
    {
        var directory = Cast.Founded(1, 2, 3);
        var place = new ReservedPlace("127.0.0.1:7104", false);
        foreach (var entry in place.Reserve()) Assert.True(directory.Tell(entry).Accepted);
        Assert.Equal([place], ReservedPlace.AllIn(directory.View));
        Assert.Empty(ReservedPlace.Remains(directory.View, Never));

        Assert.True(directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), JoinToken.HashOf(place.Secret), false)).Accepted);
        Assert.Empty(ReservedPlace.AllIn(directory.View));
        Assert.NotEmpty(directory.View.Settings);
        foreach (var entry in ReservedPlace.Remains(directory.View, Never).ToArray()) Assert.True(directory.Tell(entry).Accepted);
        Assert.Empty(directory.View.Settings);
        Assert.Empty(ReservedPlace.Remains(directory.View, Never));
    }

    [Fact]
    public void A_learners_place_holds_its_node_back_for_as_long_as_it_is_a_member()
    {
        var directory = Cast.Founded(1, 2, 3);
        var place = ReservedPlace.Of(Cast.Node(4)) with { IsLearner = true };
        foreach (var entry in place.Reserve()) Assert.True(directory.Tell(entry).Accepted);
        Assert.True(directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), JoinToken.HashOf(place.Secret), false)).Accepted);
        Assert.Empty(ReservedPlace.AllIn(directory.View));
        Assert.Empty(ReservedPlace.Remains(directory.View, long.MaxValue));
        Assert.True(ReservedPlace.IsHeld(directory.View, Cast.Node(4)));
        Assert.Equal(place.Id, ReservedPlace.Of(Cast.Node(4)).Id);

        // It goes with the node to another address, by which the node is then known.
        var moved = Cast.Node(4) with { Port = 7104 };
        foreach (var entry in ReservedPlace.Move(directory.View, Cast.Node(4), moved)) Assert.True(directory.Tell(entry).Accepted);
        Assert.True(ReservedPlace.IsHeld(directory.View, moved));
        Assert.Empty(ReservedPlace.Remains(directory.View, long.MaxValue));

        // Asked twice, as after an answer that was lost, it is promoted once.
        for (var asked = 0; asked < 2; asked++) Assert.True(directory.Tell(ReservedPlace.Promote(moved)).Accepted);
        Assert.True(ReservedPlace.IsPromoted(directory.View, moved));
        Assert.False(ReservedPlace.IsHeld(directory.View, moved));
        directory.Tell(DirectoryCommand.RemoveNode(moved.Node));
        directory.Tell(DirectoryCommand.FinishProcedure(directory.View.Procedures.Keys.Last(), true, ""));
        foreach (var entry in ReservedPlace.Remains(directory.View, long.MaxValue).ToArray()) directory.Tell(entry);
        Assert.Empty(directory.View.Settings);
    }

    [Fact]
    public void A_place_keeps_its_id_at_another_address_and_so_does_whoever_comes_to_it()
    {
        var directory = Cast.Founded(1, 2, 3);
        var place = new ReservedPlace("127.0.0.1:7999", true);
        foreach (var entry in place.Reserve().Concat(place.MoveTo("127.0.0.1:7998"))) Assert.True(directory.Tell(entry).Accepted);
        var moved = Assert.Single(ReservedPlace.AllIn(directory.View));
        Assert.Equal(("127.0.0.1:7998", true, place.Id), (moved.Address, moved.IsLearner, moved.Id));
        Assert.False(directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), JoinToken.HashOf(place.Secret), false)).Accepted);

        // Twice is as good as once, and the node that comes is held back and found under that id, wherever it goes.
        var there = ReservedPlace.Of(Cast.Node(4)).Address;
        foreach (var entry in moved.MoveTo(there)) Assert.True(directory.Tell(entry).Accepted);
        Assert.True(directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), JoinToken.HashOf(ReservedPlace.Of(Cast.Node(4)).Secret), false)).Accepted);
        Assert.True(ReservedPlace.IsHeld(directory.View, Cast.Node(4)));
        Assert.Equal(place.Id, ReservedPlace.Of(directory.View, Cast.Node(4)).Id);
        var gone = Cast.Node(4) with { Port = 7104 };
        foreach (var entry in ReservedPlace.Move(directory.View, Cast.Node(4), gone)) Assert.True(directory.Tell(entry).Accepted);
        Assert.Equal(place.Id, ReservedPlace.Of(directory.View, gone).Id);

        // Nothing is left of it once the node is out.
        directory.Tell(DirectoryCommand.RemoveNode(gone.Node));
        directory.Tell(DirectoryCommand.FinishProcedure(directory.View.Procedures.Keys.Last(), true, ""));
        for (var round = 0; round < 2; round++)
            foreach (var entry in ReservedPlace.Remains(directory.View, long.MaxValue).ToArray()) directory.Tell(entry);
        Assert.Empty(directory.View.Settings);
    }

    [Fact]
    public void Nobody_is_promoted_whom_nothing_holds_back()
    {
        var directory = Cast.Founded(1, 2, 3);
        Assert.False(directory.Tell(ReservedPlace.Promote(Cast.Node(3))).Accepted);
        Assert.Equal([DirectoryCommand.UpdateMember(Cast.Node(3))], ReservedPlace.Move(directory.View, Cast.Node(3), Cast.Node(3)));
    }

    [Fact]
    public void A_place_that_nobody_took_in_time_goes_and_other_settings_stay()
    {
        var directory = Cast.Founded(1, 2, 3);
        directory.Tell(DirectoryCommand.SetSetting("a", "1"));
        var place = new ReservedPlace("127.0.0.1:7104", false);
        foreach (var entry in place.Reserve()) directory.Tell(entry);
        var expires = directory.View.Tokens.Values.Single().ExpiresMicros;
        Assert.Empty(ReservedPlace.Remains(directory.View, expires - 1));
        foreach (var entry in ReservedPlace.Remains(directory.View, expires).ToArray()) directory.Tell(entry);
        Assert.Equal(["a"], directory.View.Settings.Keys);
    }
}
