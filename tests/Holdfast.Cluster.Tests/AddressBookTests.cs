using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

public sealed class AddressBookTests
{
    [Fact]
    public void A_disk_that_refuses_is_told_of_once_and_tried_again()
    {
        var disk = new MemoryDisk { IsGone = true };
        var warnings = new List<string>();
        var book = new AddressBook(disk, warnings.Add);
        var members = new[] { Cast.Node(1), Cast.Node(2) }.ToImmutableSortedDictionary(member => member.Node, member => member);
        for (var round = 0; round < 5; round++) book.Keep(members);
        Assert.Contains("the disk is gone", Assert.Single(warnings), StringComparison.Ordinal);
        disk.IsGone = false;
        book.Keep(members);
        Assert.Equal([new NodeId(1), new NodeId(2)], AddressBookFile.Read(disk).Select(member => member.Node));

        // And of a later failure anew.
        disk.IsGone = true;
        book.Keep(members.Remove(new NodeId(2)));
        Assert.Equal(2, warnings.Count);
    }
}
