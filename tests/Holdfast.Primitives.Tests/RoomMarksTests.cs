namespace Holdfast.Primitives.Tests;

public sealed class RoomMarksTests
{
    private static readonly Mark Forgotten = new("test: walked by no test");
    private static readonly Mark OfWorlds = new("test: walked by no test, and named for another's", elsewhere: "SomebodyElsesTests: they are not here");
    private static readonly Mark Ours = new("test: walked by no test of the class that it names", elsewhere: "RoomMarksTests: it is there for them");
    private static readonly Mark Walked = new("test: walked");

    [Fact]
    public void What_a_rooms_tests_should_have_walked_and_have_not_is_found()
    {
        Walked.Hit();
        Assert.All([Forgotten, OfWorlds, Ours], static mark => Assert.Equal(0, mark.Hits));
        var here = typeof(RoomMarksTests).Assembly;
        Assert.Equal([Forgotten.Name, Ours.Name], RoomMarks.Missed(here, isSimulated: false, here));
        Assert.Equal([Ours.Name], RoomMarks.Missed(here, isSimulated: true, here));
    }
}
