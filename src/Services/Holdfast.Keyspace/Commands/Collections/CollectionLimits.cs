using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Up to what size a collection is one run of bytes: the <c>*-max-listpack-*</c> settings, as numbers.</summary>
internal sealed class CollectionLimits
{
    private const long Most = 1 << 30;

    /// <summary>A node of a stream is not longer, whatever the settings say: it is copied as a whole.</summary>
    private const int NodeBytesMost = 1 << 20;

    private const int NodeEntriesMost = 10_000;

    public int HashEntries { get; private set; } = 512;

    public int HashValue { get; private set; } = 64;

    public int SetIntegers { get; private set; } = 512;

    public int SetEntries { get; private set; } = 128;

    public int SetValue { get; private set; } = 64;

    public int SortedSetEntries { get; private set; } = 128;

    public int SortedSetValue { get; private set; } = 64;

    /// <summary>Bytes of a node of a stream, from which on a new one is begun.</summary>
    public int StreamNodeBytes { get; private set; } = StreamValue.NodeBytesMax;

    /// <summary>Entries of a node of a stream: what is trimmed approximately goes by whole nodes.</summary>
    public int StreamNodeEntries { get; private set; } = StreamValue.NodeEntriesMax;

    /// <summary>Bytes of a list that is one run.</summary>
    public long ListBytes { get; private set; } = QuickList.BlockBytesMax;

    /// <summary>Elements of a list that is one run.</summary>
    public long ListEntries { get; private set; } = long.MaxValue;

    /// <summary>Whether a list is one run of bytes. One that has been large must be half as small for it, so that it does not go to and fro.</summary>
    public bool IsSmall(QuickList list, bool isShrinking)
    {
        var factor = isShrinking ? 2 : 1;
        return list.Blocks <= 1 && list.Bytes <= ListBytes / factor && list.Count <= ListEntries / factor;
    }

    private void TakeList(long number)
    {
        // Redis counts -1 to -5 as 4 to 64 KiB; a run is never longer than a block.
        (ListBytes, ListEntries) = number < 0 ? (Math.Min(2048L << (int)Math.Min(-number, 5), QuickList.BlockBytesMax), long.MaxValue) : (QuickList.BlockBytesMax, number);
    }

    /// <summary>Takes over a setting, when it is one of these.</summary>
    public void Take(string name, string value)
    {
        if (!RespNumber.TryParse(System.Text.Encoding.UTF8.GetBytes(value), out long number)) return;
        var limit = (int)Math.Clamp(number, 0, Most);
        switch (name)
        {
            case "list-max-listpack-size": TakeList(number); break;
            case "stream-node-max-bytes": StreamNodeBytes = limit is 0 or > NodeBytesMost ? NodeBytesMost : limit; break;
            case "stream-node-max-entries": StreamNodeEntries = limit is 0 or > NodeEntriesMost ? NodeEntriesMost : limit; break;
            case "hash-max-listpack-entries": HashEntries = limit; break;
            case "hash-max-listpack-value": HashValue = limit; break;
            case "set-max-intset-entries": SetIntegers = limit; break;
            case "set-max-listpack-entries": SetEntries = limit; break;
            case "set-max-listpack-value": SetValue = limit; break;
            case "zset-max-listpack-entries": SortedSetEntries = limit; break;
            case "zset-max-listpack-value": SortedSetValue = limit; break;
            default: break;
        }
    }
}
