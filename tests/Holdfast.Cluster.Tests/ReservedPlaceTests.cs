using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

public sealed class ReservedPlaceTests
{
    private const long Never = 0;

    [Fact]
    public void A_place_that_was_taken_leaves_nothing_behind()
    {
        var directory = Cast.Founded(1, 2, 3);
        var place = new ReservedPlace("127.0.0.1:7104", true);
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
