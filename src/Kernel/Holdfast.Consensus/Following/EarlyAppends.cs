using System.Buffers;
using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// Appends that have overtaken what they follow. They wait until the gap before them is closed and are taken then, as if they had come then: nothing tells that from a slow wire, so long as their leader's term is
/// the present one. So an append that is late or lost costs itself said again, and not all that was sent behind it; a follower keeps up with its leader however appends overtake each other.
/// Bounded in number and bytes: where there is no room the one that is furthest from its turn is not kept, and its leader says it again when a later refusal shows that it is missing.
/// </summary>
internal sealed class EarlyAppends(RaftOptions options)
{
    /// <summary>What a waiting append costs beside its entries.</summary>
    private const int OverheadBytes = 64;

    private static readonly Mark Kept = new("raft: an append that had overtaken others was kept");
    private static readonly Mark NoRoom = new("raft: no room for one more append that had overtaken others");

    private readonly List<EarlyAppend> waiting = []; // In the order of what they follow.
    private int bytes;

    /// <summary>What the first of them follows; zero when none waits.</summary>
    public LogIndex From => waiting.Count == 0 ? LogIndex.Zero : waiting[0].Header.Previous.Index;

    /// <summary>Keeps an append, unless it is kept already, brings nothing, or finds no room.</summary>
    public void Keep(in AppendHeader header, EntryBatch entries)
    {
        if (entries.Count == 0 || options.Bug == PlantedBug.EarlyAppendsNotKept) return;
        var place = waiting.Count;
        while (place > 0 && waiting[place - 1].Header.Previous.Index > header.Previous.Index) place--;
        if (place > 0 && waiting[place - 1].Header.Previous.Index == header.Previous.Index && waiting[place - 1].Count >= entries.Count) return;
        if (!TryMakeRoom(header.Previous.Index, entries.Encoded.Length)) return;
        Kept.Hit();
        bytes += entries.Encoded.Length + OverheadBytes;
        waiting.Insert(place, EarlyAppend.Copy(header, entries));
    }

    /// <summary>What is nearer to the gap has its turn sooner, so the furthest gives way to it.</summary>
    private bool TryMakeRoom(LogIndex previous, int entryBytes)
    {
        while (waiting.Count >= options.InflightAppendsMax || bytes + entryBytes + OverheadBytes > options.EarlyBytesMax)
        {
            NoRoom.Hit();
            if (waiting.Count == 0 || waiting[^1].Header.Previous.Index <= previous) return false;
            Remove(waiting.Count - 1).Return();
        }

        return true;
    }

    /// <summary>Takes the first that a log up to <paramref name="last"/> leaves no gap before. Whoever takes it gives its memory back.</summary>
    public bool TryTake(LogIndex last, out EarlyAppend append)
    {
        append = default;
        if (waiting.Count == 0 || From > last) return false;
        append = Remove(0);
        return true;
    }

    private EarlyAppend Remove(int place)
    {
        var append = waiting[place];
        waiting.RemoveAt(place);
        bytes -= append.Bytes + OverheadBytes;
        return append;
    }

    /// <summary>A new term: whoever sent them leads no more.</summary>
    public void OnTerm()
    {
        if (options.Bug == PlantedBug.EarlyAppendsOutliveTerm) return;
        foreach (var append in waiting) append.Return();
        waiting.Clear();
        bytes = 0;
    }
}

/// <summary>An append that waits, with a copy of its entries in rented memory.</summary>
internal readonly struct EarlyAppend
{
    private readonly byte[] rented;

    private EarlyAppend(in AppendHeader header, int count, byte[] rented, int bytes)
    {
        Header = header;
        Count = count;
        Bytes = bytes;
        this.rented = rented;
    }

    public AppendHeader Header { get; }

    public int Count { get; }

    /// <summary>Bytes of its entries.</summary>
    public int Bytes { get; }

    public EntryBatch Entries => EntryBatch.OfChecked(Count, rented.AsSpan(0, Bytes));

    public static EarlyAppend Copy(in AppendHeader header, EntryBatch entries)
    {
        var rented = ArrayPool<byte>.Shared.Rent(entries.Encoded.Length);
        entries.Encoded.CopyTo(rented);
        return new EarlyAppend(header, entries.Count, rented, entries.Encoded.Length);
    }

    public void Return() => ArrayPool<byte>.Shared.Return(rented);
}
