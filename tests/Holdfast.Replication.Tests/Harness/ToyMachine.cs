using System.Buffers;
using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

/// <summary>A map that is set by "key=value"; the reply is the value before. "slow" in the key makes its apply take three slices.</summary>
internal class ToyMachine : IStateMachine
{
    private int slices;

    public SortedDictionary<string, string> Map { get; private set; } = new(StringComparer.Ordinal);

    public List<GroupRole> Roles { get; } = [];

    public ulong StateHash { get; private set; }

    /// <summary>No apply comes to its end meanwhile.</summary>
    public bool IsStuck { get; set; }

    public virtual ApplyResult Apply(in CommittedEntry entry)
    {
        if (IsStuck) return ApplyResult.Yield;
        var text = Encoding.UTF8.GetString(entry.Command);
        if (text.StartsWith("slow", StringComparison.Ordinal) && ++slices % 3 != 0) return ApplyResult.Yield;
        var cut = text.IndexOf('=', StringComparison.Ordinal);
        return ApplyResult.Done(cut < 0 ? null : Set($"{text[..cut]}={Written(entry, text[(cut + 1)..])}"));
    }

    /// <summary>What is stored for a value; machines of tests that branch, or go astray, change it.</summary>
    protected virtual string Written(in CommittedEntry entry, string value) => value;

    public virtual ISnapshotView CaptureSnapshot() => new View([.. Map.Select(pair => $"{pair.Key}={pair.Value}")], StateHash);

    public virtual ISnapshotBuilder BeginRestore() => new Builder(this);

    public void OnRole(in GroupRole role) => Roles.Add(role);

    public void Forget() => Replace(new(StringComparer.Ordinal), 0);

    protected string? Set(string text)
    {
        var cut = text.IndexOf('=', StringComparison.Ordinal);
        if (cut < 0) return null;
        var before = Map.GetValueOrDefault(text[..cut]);
        Map[text[..cut]] = text[(cut + 1)..];
        StateHash = StateHash * 31 + Crc32C.Of(Encoding.UTF8.GetBytes(text));
        return before ?? "";
    }

    protected void Replace(SortedDictionary<string, string> map, ulong hash) => (Map, StateHash) = (map, hash);

    protected void Unset(string key, string? before)
    {
        if (before is null) Map.Remove(key);
        else Map[key] = before;
    }

    private sealed class View(List<string> pairs, ulong hash) : ISnapshotView
    {
        private int next = -1;

        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            var text = next < 0 ? hash.ToString(System.Globalization.CultureInfo.InvariantCulture) : next < pairs.Count ? pairs[next] : "";
            next++;
            chunk.Write(Encoding.UTF8.GetBytes(text));
            return next < pairs.Count;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Builder(ToyMachine owner) : ISnapshotBuilder
    {
        private readonly SortedDictionary<string, string> map = new(StringComparer.Ordinal);
        private ulong? hash;

        public void ReadNext(ReadOnlySpan<byte> chunk)
        {
            var text = Encoding.UTF8.GetString(chunk);
            if (hash is null) hash = ulong.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
            else map[text[..text.IndexOf('=', StringComparison.Ordinal)]] = text[(text.IndexOf('=', StringComparison.Ordinal) + 1)..];
        }

        public void Complete() => (owner.Map, owner.StateHash) = (map, hash!.Value);

        public void Dispose()
        {
        }
    }
}

/// <summary>The same map, executed at append: "add key" counts up and logs the outcome, "fill key n" writes n characters; before-images undo what is truncated.</summary>
internal sealed class ToyExecutor(bool canUndo = true) : ToyMachine, IAppendExecutor
{
    private readonly List<(LogIndex Index, string Key, string? Before)> unconfirmed = [];

    public int Executed { get; private set; }

    public int Undone { get; private set; }

    public LogIndex CommittedTo { get; private set; }

    public void OnCommitted(LogIndex through)
    {
        CommittedTo = through;
        unconfirmed.RemoveAll(change => change.Index <= through);
    }

    public ExecuteResult Execute(in AppendCommand command, IBufferWriter<byte> effects)
    {
        var words = Encoding.UTF8.GetString(command.Command).Split(' ');
        var before = Map.GetValueOrDefault(words[1]);
        if (words[0] == "get") return new ExecuteResult(false, before);
        Executed++;
        var after = words[0] == "fill"
            ? new string('x', int.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture))
            : (int.Parse(before ?? "0", System.Globalization.CultureInfo.InvariantCulture) + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
        unconfirmed.Add((command.Position.Index, words[1], before));
        Set($"{words[1]}={after}");
        effects.Write(Encoding.UTF8.GetBytes($"{words[1]}={after}"));
        return new ExecuteResult(true, after);
    }

    public bool OnTruncated(LogIndex from)
    {
        if (!canUndo) return false;
        for (var i = unconfirmed.Count - 1; i >= 0 && unconfirmed[i].Index >= from; i--)
        {
            Unset(unconfirmed[i].Key, unconfirmed[i].Before);
            unconfirmed.RemoveAt(i);
            Undone++;
        }

        return true;
    }
}
