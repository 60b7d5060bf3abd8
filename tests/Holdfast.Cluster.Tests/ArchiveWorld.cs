using System.Buffers.Binary;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster.Tests;

/// <summary>One group's life beside its archive, and what was written in it: the truth that restores are held against. Everything is drawn from the seed.</summary>
internal sealed class ArchiveWorld : IDisposable
{
    private const int Steps = 70;
    private const int RestoresPerWorld = 5;

    private static readonly ClusterId Cluster = new(7);
    private static readonly GroupId Group = GroupId.Coordination;
    private static readonly Configuration Voters = Configuration.OfVoters(new NodeId(1));
    private static readonly GroupOptions Options = new() { FeatureLevelKnown = 1 };

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-archive-world-").FullName;
    private readonly PlantedBackupBug bug;
    private readonly SeededRandom dice;
    private readonly BackupKey? key;
    private readonly IDisk disk;
    private readonly SnapshotStore store;
    private readonly GroupReplay replay = new(new CountingMachine(drifts: false), Options);
    private readonly GroupReplay directory = new(new DirectoryState(), Options);

    /// <summary>All entries ever written, with the state after each.</summary>
    private readonly List<(Entry Entry, long Time, ulong State)> written = [];

    /// <summary>Moments of which an archive with a gap cannot know: from what was covered before it on, to before the base behind it.</summary>
    private readonly List<(long From, long Before)> gaps = [];

    private ArchivedLogWriter log;
    private long now = 1_000_000;
    private long firstBase, keptFrom, covered;

    public ArchiveWorld(ulong seed, PlantedBackupBug bug)
    {
        this.bug = bug;
        dice = new SeededRandom(seed);
        key = seed % 2 == 0 ? BackupKey.Of(Enumerable.Repeat((byte)seed, BackupKey.Size).ToArray()) : null;
        var archive = Directory.CreateDirectory(ArchiveFolder).FullName;
        disk = key is null ? new DirectoryDisk(archive) : new EncryptedDisk(new DirectoryDisk(archive), key);
        store = new SnapshotStore(disk, Cluster);
        new ArchiveIdentity(Cluster, "n1", "", []).Write(disk);
        log = NewWriter();
    }

    public int Restored { get; private set; }

    public int Refused { get; private set; }

    private string ArchiveFolder => Path.Combine(folder, "backups", "0000000000000007", "n1");

    /// <summary>Lives, and restores; what is wrong with a restore, or null.</summary>
    public string? Run()
    {
        KeepDirectory();
        Write(1 + dice.Next(5));
        TakeBase();
        log.BeginAfter(replay.Applied);
        firstBase = now;
        for (var step = 0; step < Steps; step++) Step();
        var complaint = RestoreAtMoments();
        if (complaint is not null) return complaint;

        // The end: everything is archived and marked, and a machine that does not do what the live one did must be noticed.
        Write(2 + dice.Next(5));
        Follow(isConfirmed: true);
        return Restore(null, new CountingMachine(drifts: false)) ?? Restore(null, new CountingMachine(drifts: true));
    }

    public void Dispose()
    {
        log.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private ArchivedLogWriter NewWriter() => new(disk, Cluster, Group, bug);

    private void Step()
    {
        switch (dice.Next(10))
        {
            case < 4: Write(1 + dice.Next(4)); break;
            case < 7: Follow(dice.Chance(0.8)); break;
            case 7: Crash(); break;
            case 8 when dice.Chance(0.5): TakeBase(); break;
            case 8: Forget(); break;
            default:
                if (dice.Chance(0.3)) LeaveGap();
                break;
        }
    }

    /// <summary>The directory, which every restore needs: one base, founded, covered for good.</summary>
    private void KeepDirectory()
    {
        directory.Apply(Command(1, now));
        directory.WriteSnapshot(store, GroupId.Directory, Voters);
        using var writer = new ArchivedLogWriter(disk, Cluster, GroupId.Directory);
        writer.BeginAfter(directory.Applied);
        writer.Append(new ArchiveMark(directory.Applied, long.MaxValue / 2, directory.StateHash));
        writer.Sync();
    }

    private void Write(int count)
    {
        for (; count > 0; count--)
        {
            now += 1 + dice.Next(1000);
            var entry = Command(replay.Applied.Index.Value + 1, now);
            replay.Apply(entry);
            written.Add((entry, now, replay.StateHash));
        }
    }

    private Entry Command(ulong index, long time)
    {
        var payload = new ByteBuffer();
        var writer = new SpanWriter(payload);
        writer.WriteByte(1); // The envelope's version; then its flags, time, origin and number.
        writer.WriteByte(0);
        writer.WriteUInt64((ulong)time);
        writer.WriteUInt64(1);
        writer.WriteUInt64(index);
        writer.WriteUInt64(dice.NextUInt64());
        return new Entry(new LogPosition(new Term(1), new LogIndex(index)), EntryKind.Command, payload.Written.ToArray());
    }

    /// <summary>What the archive's task does in a round.</summary>
    private void Follow(bool isConfirmed)
    {
        AppendNew();
        log.Append(new ArchiveMark(replay.Applied, isConfirmed ? now : 0, replay.StateHash));
        log.Sync();
        if (isConfirmed) covered = now;
    }

    private void AppendNew()
    {
        for (var from = (int)log.Last!.Value.Index.Value; from < written.Count;)
        {
            var count = Math.Min(1 + dice.Next(4), written.Count - from);
            log.Append([.. written.GetRange(from, count).Select(one => one.Entry)]);
            from += count;
        }
    }

    /// <summary>The archiving process dies: with blocks under way, of which any part may have come to the disk.</summary>
    private void Crash()
    {
        Follow(isConfirmed: true);
        var newest = Directory.GetFiles(Path.Combine(ArchiveFolder, "log", Group.ToString()!)).Order(StringComparer.Ordinal).Last();
        var safe = new FileInfo(newest).Length;
        Write(1 + dice.Next(3));
        AppendNew();
        log.Dispose();
        newest = Directory.GetFiles(Path.Combine(ArchiveFolder, "log", Group.ToString()!)).Order(StringComparer.Ordinal).Last();
        using (var file = new FileStream(newest, FileMode.Open)) file.SetLength(Math.Min(file.Length, safe + dice.Next((int)Math.Max(1, file.Length - safe))));
        log = NewWriter();
    }

    private void TakeBase()
    {
        if (!store.WholeSnapshots(Group).Contains(replay.Applied)) replay.WriteSnapshot(store, Group, Voters);
    }

    private void Forget()
    {
        var keepFrom = now - dice.Next(30_000);
        using var archive = new GroupArchive(disk, store, Cluster, Group, bug);
        archive.Forget(keepFrom);
        keptFrom = Math.Max(keptFrom, keepFrom);
    }

    /// <summary>The group's log forgot entries before they were read: the archive begins again from a base.</summary>
    private void LeaveGap()
    {
        Follow(isConfirmed: true);
        Write(1 + dice.Next(4));
        TakeBase();
        log.BeginAfter(replay.Applied);
        gaps.Add((covered + 1, now));
        Write(1);
        Follow(isConfirmed: true);
    }

    private string? RestoreAtMoments()
    {
        for (var turn = 0; turn < RestoresPerWorld; turn++)
        {
            var moment = turn switch
            {
                0 when gaps.Count > 0 => gaps[dice.Next(gaps.Count)].Before - 1,
                1 => now,
                2 => Math.Max(keptFrom, firstBase) + 1,
                3 => written[dice.Next(written.Count)].Time,
                _ => firstBase + (long)((now - firstBase + 2000) * dice.NextDouble()) - 500,
            };
            if (Restore(moment, new CountingMachine(drifts: false)) is { } complaint) return complaint;
        }

        return null;
    }

    /// <summary>Restores, and compares with the truth.</summary>
    private string? Restore(long? moment, CountingMachine machine)
    {
        var isDue = !machine.Drifts && (moment is not { } at || (at >= firstBase && at >= keptFrom && at <= covered && !gaps.Exists(gap => at >= gap.From && at < gap.Before)));
        var target = Path.Combine(folder, "restored");
        try
        {
            var restoration = new Restoration(BackupCatalog.Open(Path.Combine(folder, "backups"), key: key), moment, (_, _, _) => machine, Options) { Bug = bug };
            var cluster = restoration.Write(target, "n1");
            Restored++;
            return Judge(moment, target, cluster);
        }
        catch (Exception refusal) when (refusal is DataDirectoryUnusableException or SnapshotDamagedException)
        {
            Refused++;
            return isDue ? $"a restore to {moment} was refused: {refusal.Message}" : null;
        }
        finally
        {
            if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
        }
    }

    private string? Judge(long? moment, string target, ClusterId cluster)
    {
        var wanted = written.Count(one => one.Time <= (moment ?? long.MaxValue));
        var restored = new GroupReplay(new CountingMachine(drifts: false), Options);
        var snapshots = new SnapshotStore(new DirectoryDisk(target), cluster);
        using (var snapshot = snapshots.Open(Group, snapshots.Latest(Group)!.Position)!) restored.Restore(snapshot);
        if (restored.Applied.Index.Value != (ulong)wanted) return $"a restore to {moment} holds {restored.Applied.Index} entries, and {wanted} were written until then";
        return restored.StateHash == written[wanted - 1].State ? null : $"a restore to {moment} gave another state than the one that was there";
    }

    /// <summary>A state that depends on every command and on their order.</summary>
    private sealed class CountingMachine(bool drifts) : IStateMachine
    {
        private ulong state;

        /// <summary>Whether it does something else than the live one, as a program with a fault would.</summary>
        public bool Drifts => drifts;

        public ulong StateHash => state;

        public ApplyResult Apply(in CommittedEntry entry)
        {
            state = (state * 0x9E3779B97F4A7C15) + Crc32C.Of(entry.Command) + (drifts ? 1u : 0u);
            return ApplyResult.Done();
        }

        public ISnapshotView CaptureSnapshot()
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, state);
            return new CopiedSnapshot(bytes);
        }

        public ISnapshotBuilder BeginRestore() => new CopiedRestore(bytes => state = BinaryPrimitives.ReadUInt64LittleEndian(bytes));
    }
}
