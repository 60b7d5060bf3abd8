using Google.Protobuf;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests;

/// <summary>Quota, alarms and compaction that nobody asks for.</summary>
public sealed class SpaceTests
{
    private const int Quota = 16 * 1024 * 1024;
    private readonly Local local = new(new CoordinationOptions { QuotaBytes = Quota });

    [Fact]
    public async Task Puts_stop_at_the_quota_and_go_on_when_there_is_room_again()
    {
        await local.Grant(5, 1000);
        await FillAsync();
        await local.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Assert.Equal(EtcdErrors.NoSpace, await Local.ErrorOf(() => local.Face.PutAsync(new PutRequest { Key = Local.B("more"), Value = Local.B("1") })));
        Assert.Equal(EtcdErrors.NoSpace, await local.TxnError(new TxnRequest { Success = { Local.PutOp("more", "1") } }));
        var raised = Assert.Single((await local.Face.AlarmAsync(new AlarmRequest())).Alarms);
        Assert.Equal((9UL, AlarmType.Nospace), (raised.MemberID, raised.Alarm));
        Assert.Contains("memberID:9 alarm:NOSPACE ", (await local.Face.StatusAsync(new StatusRequest())).Errors);

        // Reading, renewing and making room all work.
        Assert.NotEmpty((await local.Range("f", "g")).Kvs);
        Assert.Equal(1000, (await local.Face.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 5 })).TTL);
        Assert.True((await local.Delete("f", "g")).Deleted > 0);
        await local.Compact(local.Machine.Store.Revision);
        await local.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Assert.Empty((await local.Face.AlarmAsync(new AlarmRequest())).Alarms);
        await local.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        await local.Put("more", "1");
    }

    [Fact]
    public async Task A_put_larger_than_what_is_left_is_refused_and_its_client_finds_the_alarm()
    {
        var small = new Local(new CoordinationOptions { QuotaBytes = 64 * 1024 });
        await small.Put("a", "1");
        await small.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        var large = new PutRequest { Key = Local.B("b"), Value = ByteString.CopyFrom(new byte[60 * 1024]) };
        Assert.Equal(EtcdErrors.NoSpace, await small.TxnError(new TxnRequest { Success = { new RequestOp { RequestPut = large } } }));
        Assert.Equal(AlarmType.Nospace, Assert.Single((await small.Face.AlarmAsync(new AlarmRequest())).Alarms).Alarm);
        Assert.Equal(EtcdErrors.NoSpace, await Local.ErrorOf(() => small.Face.PutAsync(large)));

        // It has taken nothing, so the alarm goes as it came.
        await small.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        await small.Put("a", "2");
        Assert.Equal("a=2", await small.Show("a", "z"));
    }

    [Fact]
    public async Task A_quota_of_thirteen_pages_takes_some_of_them_and_is_free_again_after_a_compaction()
    {
        var small = new Local(new CoordinationOptions { QuotaBytes = 13 * 4096 });
        var page = new PutRequest { Key = Local.B("a"), Value = ByteString.CopyFrom(new byte[4096]) };
        var taken = 0;
        for (EtcdError? refused = null; refused is null && taken < 13; await small.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100)))
        {
            try
            {
                await small.Face.PutAsync(page);
                taken++;
            }
            catch (EtcdException full)
            {
                refused = full.Error;
                Assert.Equal(EtcdErrors.NoSpace, refused);
            }
        }

        Assert.InRange(taken, 1, 12);
        Assert.Single((await small.Face.AlarmAsync(new AlarmRequest())).Alarms);
        await small.Compact(small.Machine.Store.Revision);
        await small.Group.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        Assert.Empty((await small.Face.AlarmAsync(new AlarmRequest())).Alarms);
        await small.Face.PutAsync(page);
    }

    /// <summary>Clients, and what prints JSON, take a zero for nothing said.</summary>
    [Fact]
    public async Task An_empty_keyspace_has_a_size_and_a_hash()
    {
        Assert.True((await local.Face.StatusAsync(new StatusRequest())).DbSize > 0);
        var empty = (await local.Face.HashAsync(new HashRequest())).Hash;
        Assert.NotEqual(0u, empty);
        await local.Put("a", "1");
        Assert.NotEqual(empty, (await local.Face.HashAsync(new HashRequest())).Hash);
    }

    [Fact]
    public async Task Puts_stop_while_a_majority_is_short_of_disk_and_the_alarm_clears_itself_only_when_there_is_ample_room()
    {
        DiskRoom? disks = null;
        var shared = new Local(identity: Local.Identity with { DiskRoom = () => disks });
        await shared.Grant(5, 1000);
        await shared.Put("kept", "1");
        disks = DiskRoom.Short;
        await shared.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Assert.Equal(EtcdErrors.NoSpace, await Local.ErrorOf(() => shared.Face.PutAsync(new PutRequest { Key = Local.B("more") })));
        Assert.Equal(AlarmType.Nospace, Assert.Single((await shared.Face.AlarmAsync(new AlarmRequest())).Alarms).Alarm);

        // All that makes room, and leases, go on.
        Assert.Equal(1000, (await shared.Face.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 5 })).TTL);
        await shared.Grant(6, 1000);
        Assert.Equal(1, (await shared.Delete("kept")).Deleted);
        await shared.Compact(shared.Machine.Store.Revision);

        // A little room does not clear it, nor does it raise it again once it is cleared.
        disks = DiskRoom.Scant;
        await shared.Group.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        Assert.Equal(EtcdErrors.NoSpace, await Local.ErrorOf(() => shared.Face.PutAsync(new PutRequest { Key = Local.B("more") })));
        disks = DiskRoom.Ample;
        await shared.Group.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        Assert.Empty((await shared.Face.AlarmAsync(new AlarmRequest())).Alarms);
        foreach (var quiet in (DiskRoom?[])[DiskRoom.Scant, null])
        {
            disks = quiet;
            await shared.Group.AdvanceAsync(TimeSpan.FromMilliseconds(200));
            await shared.Put("more", "1");
        }
    }

    [Fact]
    public async Task Memory_that_is_free_does_not_clear_an_alarm_that_the_disks_keep_on()
    {
        DiskRoom? disks = null;
        var both = new Local(new CoordinationOptions { QuotaBytes = Quota }, Local.Identity with { DiskRoom = () => disks });
        var value = ByteString.CopyFrom(new byte[512 * 1024]);
        for (var i = 0; both.Machine.Store.SizeBytes < Quota; i++) await both.Face.PutAsync(new PutRequest { Key = Local.B($"f{i}"), Value = value });
        await both.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        disks = DiskRoom.Short;
        await both.Delete("f", "g");
        await both.Compact(both.Machine.Store.Revision);
        await both.Group.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        Assert.Single((await both.Face.AlarmAsync(new AlarmRequest())).Alarms);
        disks = DiskRoom.Ample;
        await both.Group.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        await both.Put("more", "1");
    }

    [Fact]
    public async Task An_alarm_of_memory_is_cleared_on_disks_that_have_little_room_and_not_before_somebody_has_looked()
    {
        DiskRoom? disks = null;
        var both = new Local(new CoordinationOptions { QuotaBytes = Quota }, Local.Identity with { DiskRoom = () => disks });
        var value = ByteString.CopyFrom(new byte[512 * 1024]);
        for (var i = 0; both.Machine.Store.SizeBytes < Quota; i++) await both.Face.PutAsync(new PutRequest { Key = Local.B($"f{i}"), Value = value });
        await both.Group.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        await both.Delete("f", "g");
        await both.Compact(both.Machine.Store.Revision);
        await both.Group.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        Assert.Single((await both.Face.AlarmAsync(new AlarmRequest())).Alarms);
        disks = DiskRoom.Scant;
        await both.Group.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        Assert.Empty((await both.Face.AlarmAsync(new AlarmRequest())).Alarms);
    }

    /// <summary>By voter: S short, E scant, A ample, - silent.</summary>
    [Theory]
    [InlineData("A", DiskRoom.Ample)]
    [InlineData("E", DiskRoom.Scant)]
    [InlineData("S", DiskRoom.Short)]
    [InlineData("SAA", DiskRoom.Ample)] // One may come to its end: the others go on.
    [InlineData("SEA", DiskRoom.Scant)]
    [InlineData("SSA", DiskRoom.Short)]
    [InlineData("SSS", DiskRoom.Short)]
    [InlineData("S-A", DiskRoom.Short)] // With one gone, those who have room are no majority.
    [InlineData("--A", DiskRoom.Scant)] // Nobody is known to be short: it is not room that is missing.
    [InlineData("---", DiskRoom.Scant)]
    [InlineData("SSAAA", DiskRoom.Ample)]
    [InlineData("SSSAA", DiskRoom.Short)]
    [InlineData("SSEEA", DiskRoom.Scant)]
    [InlineData("", DiskRoom.Scant)]
    public void Puts_stop_when_those_with_room_are_no_majority(string voters, DiskRoom expected)
    {
        DiskRoom?[] said = [.. voters.Select(static voter => voter switch { 'S' => DiskRoom.Short, 'E' => DiskRoom.Scant, 'A' => DiskRoom.Ample, _ => (DiskRoom?)null })];
        Assert.Equal(expected, MajorityRoom.Judge(said));
    }

    [Fact]
    public void The_reserve_is_three_segments_and_a_snapshot_and_one_segment_more_clears_it()
    {
        var reserve = DiskReserve.For(segmentBytes: 64, snapshotBytes: 100);
        Assert.Equal(DiskRoom.Short, reserve.Judge(291));
        Assert.Equal(DiskRoom.Scant, reserve.Judge(292));
        Assert.Equal(DiskRoom.Scant, reserve.Judge(355));
        Assert.Equal(DiskRoom.Ample, reserve.Judge(356));
    }

    [Fact]
    public async Task An_alarm_that_an_operator_raised_stays_until_an_operator_clears_it()
    {
        await local.Face.AlarmAsync(new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, MemberID = 9, Alarm = AlarmType.Nospace });
        await local.Group.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(EtcdErrors.NoSpace, await Local.ErrorOf(() => local.Face.PutAsync(new PutRequest { Key = Local.B("a") })));
        await local.Face.AlarmAsync(new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate, MemberID = 9, Alarm = AlarmType.Nospace });
        await local.Put("a", "1");
    }

    [Fact]
    public async Task A_corrupt_cluster_serves_nothing_but_its_alarms()
    {
        await local.Put("a", "1");
        await local.Face.AlarmAsync(new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, MemberID = 3, Alarm = AlarmType.Corrupt });
        Assert.Equal(EtcdErrors.Corrupt, await Local.ErrorOf(() => local.Face.PutAsync(new PutRequest { Key = Local.B("a") })));
        Assert.Equal(EtcdErrors.Corrupt, await Local.ErrorOf(() => local.Face.RangeAsync(new RangeRequest { Key = Local.B("a") })));
        Assert.Equal(EtcdErrors.Corrupt, await Local.ErrorOf(() => local.Face.DeleteRangeAsync(new DeleteRangeRequest { Key = Local.B("a") })));
        Assert.Equal(EtcdErrors.Corrupt, await local.TxnError(new TxnRequest { Success = { Local.RangeOp("a") } }));
        var on = await local.Face.AlarmAsync(new AlarmRequest { Alarm = AlarmType.Corrupt });
        Assert.Equal(3UL, Assert.Single(on.Alarms).MemberID);
    }

    [Fact]
    public async Task The_leader_forgets_what_is_older_than_the_retention_time()
    {
        var timed = new Local(new CoordinationOptions { RetentionTime = TimeSpan.FromMinutes(10) });
        var old = await timed.Put("a", "1");
        await timed.Group.AdvanceAsync(TimeSpan.FromSeconds(1));
        await timed.Put("a", "2");
        await timed.Group.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(-1, timed.Machine.Store.Compacted);
        await timed.Group.AdvanceAsync(TimeSpan.FromMinutes(6));
        Assert.Equal(old, timed.Machine.Store.Compacted);
        Assert.Equal("a=1", await timed.Show("a", revision: old));
    }

    [Fact]
    public async Task By_revision_the_newest_so_many_are_kept_and_off_is_off()
    {
        var counted = new Local(new CoordinationOptions { AutoCompaction = AutoCompactionMode.Revision, RetentionRevisions = 3 });
        var off = new Local(new CoordinationOptions { AutoCompaction = AutoCompactionMode.Off });
        foreach (var one in (Local[])[counted, off])
        {
            for (var i = 0; i < 10; i++) await one.Put("a", i.ToString());
            await one.Group.AdvanceAsync(TimeSpan.FromHours(3));
            await one.Group.AdvanceAsync(TimeSpan.FromHours(3));
        }

        Assert.Equal(11 - 3, counted.Machine.Store.Compacted);
        Assert.Equal(-1, off.Machine.Store.Compacted);
    }

    private async Task FillAsync()
    {
        var value = ByteString.CopyFrom(new byte[512 * 1024]);
        for (var i = 0; local.Machine.Store.SizeBytes < Quota; i++) await local.Face.PutAsync(new PutRequest { Key = Local.B($"f{i}"), Value = value });
    }
}
