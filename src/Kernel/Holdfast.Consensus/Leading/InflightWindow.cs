using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>The appends on their way to one follower, bounded in number and bytes. When it is full, the follower gets nothing more until it answers.</summary>
internal sealed class InflightWindow
{
    private readonly Queue<(LogIndex Last, int Bytes)> appends = new();
    private long bytes;

    public bool HasRoom(RaftOptions options, int appendsMax) => appends.Count < Math.Min(appendsMax, options.InflightAppendsMax) && bytes < options.InflightBytesMax;

    public void Add(LogIndex last, int size)
    {
        appends.Enqueue((last, size));
        bytes += size;
    }

    public void FreeTo(LogIndex match)
    {
        while (appends.TryPeek(out var oldest) && oldest.Last <= match)
        {
            bytes -= oldest.Bytes;
            appends.Dequeue();
        }
    }

    /// <summary>Appends that reach beyond <paramref name="last"/> will be sent again; those before are with the follower, whose disk has not answered for them yet, and go on counting.</summary>
    public void TakeBackAfter(LogIndex last)
    {
        for (var left = appends.Count; left > 0; left--)
        {
            var append = appends.Dequeue();
            if (append.Last <= last) appends.Enqueue(append);
            else bytes -= append.Bytes;
        }
    }

    public void Clear()
    {
        appends.Clear();
        bytes = 0;
    }
}
