using Holdfast.Primitives;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// A machine's disk: files of sectors, and names that are durable only when their folder was synced. It survives processes; a process uses it through a
/// <see cref="SimMount"/> and loses that with its life.
/// </summary>
internal sealed class SimDisk
{
    private readonly SortedDictionary<string, SimFile?> names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SimFile?> durableNames = new(StringComparer.Ordinal);
    private readonly List<NameChange> journal = [];
    private readonly SeededRandom dice;
    private long writes;

    public SimDisk(SeededRandom dice) => this.dice = dice;

    private enum NameChangeKind : byte
    {
        Create,
        Rename,
        Delete,
    }

    private readonly record struct NameChange(NameChangeKind Kind, string Path, string To, SimFile? File);

    /// <summary>Told of each run of sectors that a sync made durable.</summary>
    public Action<string, SimFile, int, int>? OnDurable { get; set; }

    /// <summary>Bytes that files may have together; beyond it the disk is full.</summary>
    public long BytesMax { get; set; } = long.MaxValue;

    public long BytesUsed
    {
        get
        {
            var used = 0L;
            foreach (var file in names.Values) used += file?.Length ?? 0;
            return used;
        }
    }

    /// <summary>Whether a program sees something that a power loss would take.</summary>
    public bool ShowsMoreThanDurable
    {
        get
        {
            foreach (var file in names.Values)
                if (file is { ShowsMoreThanDurable: true } or { HasLostPages: true }) return true;
            return journal.Count > 0;
        }
    }

    public IEnumerable<(string Path, SimFile File)> Files
    {
        get
        {
            foreach (var (path, file) in names)
                if (file is not null) yield return (path, file);
        }
    }

    public bool Exists(string path) => names.ContainsKey(path);

    public SimFile Open(string path)
    {
        if (names.TryGetValue(path, out var file)) return file ?? throw new IOException($"{path} is a folder");
        Invariant.Holds(ParentOf(path).Length == 0 || names.ContainsKey(ParentOf(path)), "a file was opened in a folder that is not there");
        file = new SimFile();
        Change(new NameChange(NameChangeKind.Create, path, "", file));
        return file;
    }

    public IReadOnlyList<string> List(string folder)
    {
        var found = new List<string>();
        foreach (var path in names.Keys)
            if (ParentOf(path) == folder) found.Add(path[(folder.Length == 0 ? 0 : folder.Length + 1)..]);
        return found;
    }

    public void CreateFolder(string folder)
    {
        if (folder.Length == 0 || names.ContainsKey(folder)) return;
        CreateFolder(ParentOf(folder));
        Change(new NameChange(NameChangeKind.Create, folder, "", null));
    }

    public void Delete(string path)
    {
        if (!names.ContainsKey(path)) return;
        // What is inside and was never made durable never will be.
        var prefix = path + "/";
        journal.RemoveAll(change => change.Path.StartsWith(prefix, StringComparison.Ordinal));
        Change(new NameChange(NameChangeKind.Delete, path, "", null));
    }

    /// <summary>A file is gone from the medium, whatever anybody did.</summary>
    public void Lose(string path)
    {
        names.Remove(path);
        durableNames.Remove(path);
        journal.RemoveAll(change => change.Path == path || change.To == path);
    }

    public void Rename(string from, string to)
    {
        if (!names.TryGetValue(from, out var file)) throw new FileNotFoundException($"{from} is not there");
        Change(new NameChange(NameChangeKind.Rename, from, to, file));
    }

    public void SyncFolder(string folder)
    {
        var left = new List<NameChange>();
        foreach (var change in journal)
        {
            if (ParentOf(change.Path) == folder) Apply(change, durableNames);
            else left.Add(change);
        }

        journal.Clear();
        journal.AddRange(left);
    }

    public void Write(SimFile file, long offset, ReadOnlySpan<byte> source) => file.Write(offset, source, ref writes);

    public void Sync(string path, SimFile file) => file.Sync(OnDurable is { } told ? (which, sector, count) => told(path, which, sector, count) : null);

    /// <summary>
    /// The power goes. What no sync covered is lost or not: all of it, or what was written up to some moment, or any sectors at all; names likewise, in
    /// their order. <paramref name="anySectors"/> false rules the last out.
    /// </summary>
    public void LosePower(bool anySectors)
    {
        var kept = journal.Count == 0 || dice.Chance(0.4) ? 0 : dice.Next(journal.Count + 1);
        for (var i = 0; i < kept; i++) Apply(journal[i], durableNames);
        journal.Clear();

        var orders = new List<long>();
        foreach (var file in names.Values)
            if (file is not null) orders.AddRange(file.UnsyncedOrders());
        orders.Sort();
        var until = orders.Count == 0 || dice.Chance(0.3) ? 0 : orders[dice.Next(orders.Count)];
        var isAny = anySectors && dice.Chance(0.6);
        var share = dice.NextDouble();
        foreach (var file in names.Values)
            file?.LosePower(order => isAny ? dice.Chance(share) : order <= until, dice.Chance(0.5));

        names.Clear();
        var orphans = new List<string>();
        foreach (var (path, file) in durableNames)
        {
            var parent = ParentOf(path);
            if (parent.Length > 0 && !names.ContainsKey(parent)) orphans.Add(path);
            else names.Add(path, file);
        }

        foreach (var path in orphans) durableNames.Remove(path);
    }

    private static string ParentOf(string path) => path.LastIndexOf('/') is var cut and > 0 ? path[..cut] : "";

    private void Change(in NameChange change)
    {
        Apply(change, names);
        journal.Add(change);
    }

    private static void Apply(in NameChange change, SortedDictionary<string, SimFile?> target)
    {
        switch (change.Kind)
        {
            case NameChangeKind.Create:
                target[change.Path] = change.File;
                break;
            case NameChangeKind.Rename:
                if (target.Remove(change.Path) || change.File is not null) target[change.To] = change.File;
                break;
            default:
                var (removed, prefix) = (change.Path, change.Path + "/");
                foreach (var path in target.Keys.Where(path => path == removed || path.StartsWith(prefix, StringComparison.Ordinal)).ToArray()) target.Remove(path);
                break;
        }
    }
}
