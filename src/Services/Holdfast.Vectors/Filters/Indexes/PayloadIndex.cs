using System.Numerics;
using System.Text.Json;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Filters.Indexes;

/// <summary>
/// What the values at one key of one segment are, by value: derived, outside every hash, and made by whoever asks first. Rows are taken in as they become visible. A row whose payload is changed in place is
/// marked by the writer before it changes, and asked by its payload from then on; when there are too many of these, a new index takes this one's place.
/// </summary>
internal abstract class PayloadIndex(PayloadPath path, int rowsMax)
{
    private readonly ReaderWriterLockSlim gate = new();
    private ulong[]? changed;
    private int changedCount;
    private int covered;

    /// <summary>The key.</summary>
    public PayloadPath Path => path;

    /// <summary>Rows before this one are in it.</summary>
    public int Covered => Volatile.Read(ref covered);

    /// <summary>An empty index of the same kind, for another segment.</summary>
    public abstract PayloadIndex Alike(int rowsMax);

    /// <summary>Whether so much of it has changed that building it again costs less than asking payloads.</summary>
    public bool IsWorn => Volatile.Read(ref changedCount) > Math.Max(1000, Volatile.Read(ref covered) / 8);

    /// <summary>The writer is about to replace a row's payload.</summary>
    public void MarkChanged(int row)
    {
        var bits = changed;
        if (bits is null) Volatile.Write(ref changed, bits = new ulong[(rowsMax >> 6) + 1]);
        var bit = 1UL << row;
        if ((bits[row >> 6] & bit) != 0) return;
        Volatile.Write(ref bits[row >> 6], bits[row >> 6] | bit);
        Volatile.Write(ref changedCount, changedCount + 1);
    }

    /// <summary>Sets the bits of the visible rows that have a value which fulfils the predicate; the dead are not left out.</summary>
    public void Answer(ValuePredicate predicate, Segment segment, int visible, ulong[] bits)
    {
        Cover(segment, visible);
        gate.EnterReadLock();
        try
        {
            Collect(predicate, visible, bits);
        }
        finally
        {
            gate.ExitReadLock();
        }

        if (Volatile.Read(ref changed) is not { } marked) return;
        for (var word = 0; word < bits.Length; word++)
            for (var left = Volatile.Read(ref marked[word]); left != 0; left &= left - 1)
            {
                var row = (word << 6) + BitOperations.TrailingZeroCount(left);
                if (row >= visible) break;
                using var payload = segment.PayloadOf(row).Parse();
                if (predicate.IsTrueOfAll(path.Values(payload.RootElement))) bits[word] |= 1UL << row;
                else bits[word] &= ~(1UL << row);
            }
    }

    /// <summary>Takes in rows up to a bound.</summary>
    public void Cover(Segment segment, int visible)
    {
        if (Volatile.Read(ref covered) < visible) Extend(segment, visible);
    }

    /// <summary>Takes in a row's value; rows come in order, a row's values one after another.</summary>
    protected abstract void Add(int row, JsonElement value);

    /// <summary>Sets the bits of the rows below a bound that have a value which fulfils the predicate.</summary>
    protected abstract void Collect(ValuePredicate predicate, int visible, ulong[] bits);

    /// <summary>Sets the bits of listed rows below a bound.</summary>
    protected static void SetAll(List<int> rows, int visible, ulong[] bits)
    {
        foreach (var row in rows)
            if (row < visible) bits[row >> 6] |= 1UL << row;
    }

    private void Extend(Segment segment, int visible)
    {
        gate.EnterWriteLock();
        try
        {
            for (var row = covered; row < visible; row++)
            {
                using var payload = segment.PayloadOf(row).Parse();
                foreach (var value in path.Values(payload.RootElement)) Add(row, value);
            }

            if (visible > covered) Volatile.Write(ref covered, visible);
        }
        finally
        {
            gate.ExitWriteLock();
        }
    }
}
