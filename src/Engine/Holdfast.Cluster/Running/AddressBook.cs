using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>
/// Keeps the members where a restart finds them before it has heard anybody (<see cref="AddressBookFile"/>). A disk that refuses ends nothing: an operator is told once, and it is tried again
/// until it is done.
/// </summary>
internal sealed class AddressBook(IDisk disk, Action<string> warn)
{
    private ImmutableSortedDictionary<NodeId, MemberRecord> written = DirectoryView.Empty.Members;
    private bool hasFailed;

    /// <summary>Durable when this returns, if the disk took it. Cheap when nothing has changed.</summary>
    public void Keep(ImmutableSortedDictionary<NodeId, MemberRecord> members)
    {
        if (ReferenceEquals(written, members)) return;
        try
        {
            AddressBookFile.Write(disk, members.Values);
            (written, hasFailed) = (members, false);
        }
        catch (IOException fault)
        {
            if (!hasFailed) warn($"the members cannot be written to the data directory: {fault.Message} It is tried again; until it is done, a restart may not find those who joined since");
            hasFailed = true;
        }
    }
}
