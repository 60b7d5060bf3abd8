using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster.Tests;

/// <summary>A log that is gone, newer than its reader or damaged where nobody can repair it is refused before anything is begun on it; one that a cluster can repair is not.</summary>
public sealed class LogCheckTests
{
    private static readonly NodeId Self = new(1);

    [Fact]
    public void S4_a_node_whose_log_is_gone_does_not_begin()
    {
        var disk = new MemoryDisk();
        LogCheck.BeforeOpening(disk); // An empty directory has lost nothing.
        LogCheck.NoteBegun(disk);
        Assert.Contains("write-ahead log is gone", Assert.Throws<DataDirectoryUnusableException>(() => LogCheck.BeforeOpening(disk)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void S5_data_of_a_newer_program_is_refused_and_that_of_a_deleted_group_is_not_looked_at()
    {
        LogCheck.Judge(Recovered(Group(2, level: 3)), Self, featureLevelKnown: 3);
        Assert.Contains("newer program", Assert.Throws<DataDirectoryUnusableException>(() => LogCheck.Judge(Recovered(Group(2, level: 3)), Self, featureLevelKnown: 2)).Message, StringComparison.Ordinal);
        LogCheck.Judge(Recovered(Group(2, level: 3, isTombstoned: true)), Self, featureLevelKnown: 2);
    }

    [Fact]
    public void S8_damage_is_refused_where_this_node_is_the_only_voter_and_left_to_the_others_where_it_is_not()
    {
        LogCheck.Judge(Recovered(Group(2, damagedUpTo: 9, voters: [1, 2, 3])), Self, featureLevelKnown: 1);
        Assert.Contains("only voter", Assert.Throws<DataDirectoryUnusableException>(() => LogCheck.Judge(Recovered(Group(2, damagedUpTo: 9)), Self, featureLevelKnown: 1)).Message, StringComparison.Ordinal);
    }

    private static WalRecovery Recovered(params RecoveredGroup[] groups) => new() { Groups = groups, Findings = [] };

    private static RecoveredGroup Group(ulong id, uint level = 1, ulong damagedUpTo = 0, bool isTombstoned = false, params ulong[] voters) => new()
    {
        Group = new GroupId(id),
        Configuration = Configuration.OfVoters([.. (voters.Length > 0 ? voters : [Self.Value]).Select(node => new NodeId(node))]),
        FeatureLevel = level,
        Entries = [],
        DamagedUpTo = new LogIndex(damagedUpTo),
        IsTombstoned = isTombstoned,
    };
}
