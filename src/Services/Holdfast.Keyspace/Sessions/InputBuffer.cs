using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>What a client has sent and we have not yet taken. It holds a buffer only while there is something in it, so ten thousand idle clients cost none.</summary>
internal sealed class InputBuffer(Stack<byte[]> pool)
{
    private const int UsualBytes = 16 * 1024;
    private const int PooledMax = 1024;

    private readonly RespRequestReader reader = new();
    private byte[] bytes = [];
    private int start;
    private int end;
    private bool isTaken = true;

    /// <summary>The request that is there; its arguments stay valid until it is passed.</summary>
    public RespArguments Request => reader.Arguments;

    /// <summary>Why what came is not the protocol.</summary>
    public string Fault => reader.Fault;

    /// <summary>Bytes held for this client.</summary>
    public int Capacity => bytes.Length;

    public int Length => end - start;

    /// <summary>What came behind the request that is there; to be asked while there is one.</summary>
    public ReadOnlySpan<byte> Behind => bytes.AsSpan(start + reader.Consumed, end - start - reader.Consumed);

    /// <summary>Where the next bytes go; empty when there is no room as long as the present request is not passed.</summary>
    public Span<byte> Room(bool isRequestPending)
    {
        if (bytes.Length == 0) bytes = pool.TryPop(out var used) ? used : GC.AllocateUninitializedArray<byte>(UsualBytes);
        if (isRequestPending) return bytes.AsSpan(end);
        var wanted = isTaken ? 0 : reader.BytesWanted(end - start);
        if (bytes.Length - end >= Math.Max(wanted, 1)) return bytes.AsSpan(end);

        // Memory follows what came: a claimed length is believed as far as what has come, and 64 KiB.
        var needed = end - start + Math.Clamp(wanted, 1, Math.Max(end - start, 64 * 1024));
        var target = needed <= bytes.Length ? bytes : GC.AllocateUninitializedArray<byte>(Math.Max(needed, needed > UsualBytes ? needed + needed / 4 : UsualBytes));
        bytes.AsSpan(start, end - start).CopyTo(target);
        Recycle(bytes, target);
        bytes = target;
        reader.OnMoved(bytes, -start);
        (start, end) = (0, end - start);
        return bytes.AsSpan(end);
    }

    /// <summary>So many bytes came.</summary>
    public void Received(int count) => end += count;

    /// <summary>The next request.</summary>
    public RespProgress Read(RespLimits limits)
    {
        if (start == end) return RespProgress.NeedMore;
        isTaken = false;
        return reader.Read(bytes, start, end, limits);
    }

    /// <summary>The request is done with.</summary>
    public void Pass()
    {
        start += reader.Consumed;
        isTaken = true;
        if (start == end) (start, end) = (0, 0);
    }

    /// <summary>Gives an empty buffer back.</summary>
    public void Shrink()
    {
        if (end != 0 || bytes.Length == 0) return;
        Recycle(bytes, []);
        bytes = [];
    }

    private void Recycle(byte[] old, byte[] target)
    {
        if (!ReferenceEquals(old, target) && old.Length == UsualBytes && pool.Count < PooledMax) pool.Push(old);
    }
}
