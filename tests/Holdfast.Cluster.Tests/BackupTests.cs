using System.Text;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster.Tests;

/// <summary>Archives and what is decided over them, without nodes.</summary>
public sealed class BackupTests : IDisposable
{
    private static readonly ClusterId Cluster = new(7);
    private static readonly GroupId Group = new(1);

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-archive-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void An_archived_log_gives_back_its_entries_and_marks_in_order()
    {
        var disk = Disk();
        using (var log = new ArchivedLogWriter(disk, Cluster, Group))
        {
            log.BeginAfter(At(1, 4));
            log.Append([Entry(1, 5, "five"), Entry(2, 6, "six")]);
            log.Append(new ArchiveMark(At(2, 6), 100, 0xABC));
            log.Append([Entry(2, 7, "seven")]);
            log.Sync();
        }

        var segment = ArchivedSegment.Read(disk, Cluster, Group, 1)!;
        Assert.Equal((At(1, 4), At(2, 7), false), (segment.Previous, segment.Last, segment.HasTail));
        Assert.Equal(["five", "six", "mark 2/6 100 abc", "seven"], segment.Items().Select(Text));
        Assert.Null(ArchivedSegment.Read(disk, new ClusterId(8), Group, 1));
    }

    [Fact]
    public void A_log_that_ends_in_the_middle_of_a_block_goes_on_after_its_last_whole_one()
    {
        var disk = Disk();
        using (var log = new ArchivedLogWriter(disk, Cluster, Group))
        {
            log.BeginAfter(LogPosition.Zero);
            log.Append([Entry(1, 1, "one")]);
            log.Append([Entry(1, 2, "two")]);
        }

        using (var file = disk.Open(ArchivedLog.PathOf(Group, 1))) file.Write(file.Length - 3, "xyz"u8);
        using (var log = new ArchivedLogWriter(disk, Cluster, Group))
        {
            Assert.Equal(At(1, 1), log.Last);
            log.Append([Entry(1, 2, "two again"), Entry(1, 3, "three")]);
            log.Sync();
        }

        var found = ArchivedLog.Segments(disk, Group).SelectMany(number => ArchivedSegment.Read(disk, Cluster, Group, number)!.Items()).Select(Text);
        Assert.Equal(["one", "two again", "three"], found);
    }

    [Fact]
    public void Entries_with_a_gap_are_refused_by_the_writer()
    {
        using var log = new ArchivedLogWriter(Disk(), Cluster, Group);
        log.BeginAfter(At(1, 4));
        Assert.Throws<InvariantBrokenException>(() => log.Append([Entry(1, 6, "six")]));
    }

    [Fact]
    public void An_archive_of_another_cluster_is_not_found_and_an_empty_directory_is_refused()
    {
        Directory.CreateDirectory(Path.Combine(folder, "7", "n1"));
        Assert.Throws<DataDirectoryUnusableException>(() => BackupCatalog.Open(folder));
        new ArchiveIdentity(Cluster, "n1", "", []).Write(new DirectoryDisk(Path.Combine(folder, "7", "n1")));
        Assert.Equal([Cluster], BackupCatalog.Open(folder).Clusters);
        Assert.Throws<DataDirectoryUnusableException>(() => BackupCatalog.Open(folder, new ClusterId(8)));
    }

    [Fact]
    public void A_plan_takes_for_each_group_the_archive_that_leads_furthest()
    {
        var plan = RestorePlan.Of(Roads((0, [Road(0, last: 10), Road(1, last: 12)]), (1, [Road(0, last: 30), Road(1, last: 20)])), null, levelKnown: 1);
        Assert.Empty(plan.Faults);
        Assert.Equal([1, 0], plan.Chosen.Values.Select(road => road.Archive));
    }

    [Fact]
    public void A_moment_beyond_what_is_covered_is_refused_and_one_that_an_entry_passed_is_not()
    {
        var short_ = RestorePlan.Of(Roads((0, [Road(0, covered: 50)]), (1, [Road(0, covered: 90)])), 80, levelKnown: 1);
        Assert.Contains("the backups reach to", Assert.Single(short_.Faults), StringComparison.Ordinal);
        var passed = RestorePlan.Of(Roads((0, [Road(0, hasPassed: true)]), (1, [Road(0, covered: 90)])), 80, levelKnown: 1);
        Assert.Empty(passed.Faults);
        var second = RestorePlan.Of(Roads((0, [Road(0, last: 99, covered: 50), Road(1, last: 9, covered: 80)]), (1, [Road(0, covered: 90)])), 80, levelKnown: 1);
        Assert.Equal(1, second.Chosen[GroupId.Directory].Archive);
        Assert.Empty(second.Faults);
    }

    [Fact]
    public void A_moment_before_the_founding_is_refused_instead_of_giving_an_empty_cluster()
    {
        var unfounded = Road(0, hasPassed: true) with { End = new ChainEnd(At(1, 1), 0, 0, true, 0, 1, null, null) };
        var plan = RestorePlan.Of(Roads((0, [unfounded]), (1, [Road(0, hasPassed: true)])), 3, levelKnown: 1);
        Assert.Contains("was not founded yet", Assert.Single(plan.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gap_is_refused_and_said()
    {
        var plan = RestorePlan.Of(Roads((0, [Road(0)]), (1, [Road(0, gap: At(3, 40))])), null, levelKnown: 1);
        Assert.Contains("are missing", Assert.Single(plan.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void S5_a_backup_of_a_higher_feature_level_is_refused()
    {
        var plan = RestorePlan.Of(Roads((0, [Road(0)]), (1, [Road(0, level: 2)])), null, levelKnown: 1);
        Assert.Contains("feature level 2", Assert.Single(plan.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Both_own_groups_are_needed_and_a_data_group_without_a_base_before_the_moment_did_not_exist_then()
    {
        Assert.Equal(2, RestorePlan.Of(Roads((5, [Road(0)])), null, levelKnown: 1).Faults.Count);
        var plan = RestorePlan.Of(Roads((0, [Road(0, covered: 9)]), (1, [Road(0, covered: 9)]), (5, [])), 8, levelKnown: 1);
        Assert.Empty(plan.Faults);
        Assert.DoesNotContain(new GroupId(5), plan.Chosen.Keys);
    }

    [Fact]
    public void S5_a_level_rises_only_when_every_member_in_the_directory_knows_it_and_every_running_program_says_so()
    {
        var view = DirectoryView.Empty with { Members = DirectoryView.Empty.Members.Add(new NodeId(1), Member(1, 2)).Add(new NodeId(2), Member(2, 1)) };
        Assert.Equal(1u, FeatureGate.Target(view, levelNow: 1, levelKnownHere: 2));
        view = view with { Members = view.Members.SetItem(new NodeId(2), Member(2, 3)) };
        Assert.Equal(2u, FeatureGate.Target(view, levelNow: 1, levelKnownHere: 3));
        Assert.Equal(1u, FeatureGate.Target(view with { Settings = view.Settings.Add(FeatureGate.CeilingSetting, "1") }, levelNow: 1, levelKnownHere: 3));
        Assert.Equal(2u, FeatureGate.Target(view with { Settings = view.Settings.Add(FeatureGate.CeilingSetting, "1") }, levelNow: 2, levelKnownHere: 3));
        Assert.False(FeatureGate.MayRise(2, [2, null]));
        Assert.False(FeatureGate.MayRise(2, [2, 1]));
        Assert.True(FeatureGate.MayRise(2, [2, 3]));
    }

    [Fact]
    public void A_member_says_anew_what_it_can_do_and_keeps_the_address_that_it_was_given()
    {
        var known = Member(1, 1) with { Host = "10.0.0.9" };
        var view = DirectoryView.Empty with { Members = DirectoryView.Empty.Members.Add(new NodeId(1), known) };
        Assert.Null(FeatureGate.Renewed(view, Member(1, 1)));
        Assert.Null(FeatureGate.Renewed(view, Member(3, 1)));
        var renewed = FeatureGate.Renewed(view, Member(1, 2) with { ClientUrls = ["http://a:1"] })!;
        Assert.Equal((2u, "10.0.0.9"), (renewed.FeatureLevelMax, renewed.Host));
    }

    private static MemberRecord Member(ulong node, uint max) => new() { Node = new NodeId(node), Name = $"n{node}", Host = "127.0.0.1", Port = 1, FeatureLevelMax = max };

    private static SortedDictionary<GroupId, IReadOnlyList<GroupRoad>> Roads(params (ulong Group, GroupRoad[] Roads)[] all)
    {
        var roads = new SortedDictionary<GroupId, IReadOnlyList<GroupRoad>>();
        foreach (var (group, possible) in all) roads[new GroupId(group)] = possible;
        return roads;
    }

    private static GroupRoad Road(int archive, ulong last = 10, long covered = 0, bool hasPassed = false, uint level = 1, LogPosition? gap = null) =>
        new(archive, new ArchivedBase(At(1, 1), 1, 1, 10), new ChainEnd(At(1, last), 5, covered, hasPassed, last - 1, level, null, gap));

    private static LogPosition At(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    private static Entry Entry(ulong term, ulong index, string text) => new(At(term, index), EntryKind.Command, Encoding.UTF8.GetBytes(text));

    private static string Text((Entry? Entry, ArchiveMark? Mark) item) =>
        item.Entry is { } entry ? Encoding.UTF8.GetString(entry.Payload.Span) : $"mark {item.Mark!.Value.Position} {item.Mark.Value.CoveredMicros} {item.Mark.Value.StateHash:x}";

    private DirectoryDisk Disk() => new(folder) { IsPrivate = true };
}
