using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>The appends on their way to one follower, bounded in number and bytes. When it is full, the follower gets nothing more until it answers.</summary>
internal sealed class InflightWindow
{
    private readonly Queue<(LogIndex Last, int Bytes)> appends = new();
    private long bytes;

    public bool HasRoom(RaftOptions options) => appends.Count < options.InflightAppendsMax && bytes < options.InflightBytesMax;

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

    public void Clear()
    {
        appends.Clear();
        bytes = 0;
    }
}
