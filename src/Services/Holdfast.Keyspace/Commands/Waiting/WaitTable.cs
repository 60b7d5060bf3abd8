using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// Who waits for which keys of a shard (BLPOP, BZPOPMIN, XREAD BLOCK, …): on its leader only, in memory. A key that a command has changed serves those who wait for it, longest waiting first, in the same entry:
/// their commands are executed again there, and their replies wait for that entry like any other.
/// </summary>
internal sealed class WaitTable
{
    private static readonly Mark Served = new("keyspace: a waiting client was served by the entry of another's command");
    private static readonly Mark Ended = new("keyspace: waiting clients were sent away because the shard is not led here any more");

    private readonly Dictionary<byte[], WaitLine> lines = new(ByteKey.Comparer);
    private readonly Dictionary<byte[], WaitLine>.AlternateLookup<ReadOnlySpan<byte>> bySpan;
    private readonly List<WaitLine> ready = [];
    private readonly List<Waiter> looked = [];

    /// <summary>What those are told whose shard is not led here any more.</summary>
    public static ReadOnlySpan<byte> Moved => "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"u8;

    public WaitTable() => bySpan = lines.GetAlternateLookup<ReadOnlySpan<byte>>();

    public bool IsEmpty => lines.Count == 0;

    /// <summary>Puts a waiter at the end of a key's line.</summary>
    public void Add(Waiter waiter, ReadOnlySpan<byte> key)
    {
        if (!bySpan.TryGetValue(key, out var line)) lines[key.ToArray()] = line = new WaitLine(key.ToArray());
        if (waiter.Lines.Contains(line)) return;
        line.Waiters.Add(waiter);
        waiter.Lines.Add(line);
    }

    /// <summary>It waits no more, whatever the reason.</summary>
    public void Remove(Waiter waiter)
    {
        foreach (var line in waiter.Lines)
        {
            line.Waiters.Remove(waiter);
            if (line.Waiters.Count == 0) lines.Remove(line.Key);
        }

        waiter.Lines.Clear();
    }

    /// <summary>A key was changed by the command that is being executed.</summary>
    public void OnChanged(ReadOnlySpan<byte> key)
    {
        if (lines.Count == 0 || !bySpan.TryGetValue(key, out var line) || line.IsReady) return;
        line.IsReady = true;
        ready.Add(line);
    }

    /// <summary>All keys are gone: whoever reads with a group hears of it.</summary>
    public void OnFlushed()
    {
        foreach (var key in lines.Keys.Order(ByteOrder.Comparer)) OnChanged(key);
    }

    /// <summary>A command, or a whole transaction, is over: serves whom it can. What serving changes may serve others.</summary>
    public void ServeReady(CommandCall call)
    {
        if (ready.Count == 0) return;
        for (var i = 0; i < ready.Count; i++)
        {
            var line = ready[i];
            line.IsReady = false;
            looked.AddRange(line.Waiters);
            foreach (var waiter in looked)
            {
                if (waiter.Lines.Count == 0 || !IsFor(waiter, call.Keyspace.Locate(line.Key, waiter.Slot)) || !call.TryServe(waiter, line.Key)) continue;
                Served.Hit();
                Remove(waiter);
                waiter.Client.Wait.OnServed();
                call.Shard.Touch(waiter.Client);
            }

            looked.Clear();
        }

        ready.Clear();
    }

    /// <summary>The shard is not led here any more: everybody is told, and asks again elsewhere (nothing of theirs was executed).</summary>
    public void EndAll()
    {
        if (lines.Count == 0) return;
        Ended.Hit();
        foreach (var waiter in All()) waiter.Client.Wait.Refuse(Moved);
    }

    /// <summary>Sends those away whose slot this shard does not own any more.</summary>
    public void EndLost(SlotOwnership slots, KeyspaceNode node)
    {
        if (lines.Count == 0) return;
        foreach (var waiter in All())
        {
            if (waiter.Slot < 0 || slots.Owned[waiter.Slot]) continue;
            var way = RequestRouter.Route(node, waiter.Client, waiter.Arguments);
            if (way.Road == Road.Refuse) waiter.Client.Wait.Refuse(Encoding.UTF8.GetBytes(way.Text!));
            else if (way.Road == Road.Forward) waiter.Client.Wait.Refuse(Moved);
        }
    }

    /// <summary>Whether a key as it is now concerns a waiter. A stream's group may be gone with its key: whoever reads with it must hear of that.</summary>
    private static bool IsFor(Waiter waiter, in KeyPlace place) => place.Kind == waiter.Kind || waiter.Spec.Name == "xreadgroup";

    private List<Waiter> All() => [.. lines.Values.SelectMany(line => line.Waiters).Distinct().OrderBy(waiter => waiter.Client.Id)];
}
