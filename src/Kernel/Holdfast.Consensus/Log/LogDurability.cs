using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// What of a log and of the hard state is on the disk, on its way there, or not yet sent (S1). A truncation voids what is in flight:
/// an older request that completes later vouches only for what it and the log still have in common.
/// </summary>
internal sealed class LogDurability(LogIndex durable)
{
    private Request[] inFlight = new Request[16]; // A ring: requests complete in order.
    private int head;
    private int count;
    private int hardStatesInFlight;
    private ulong lastToken;

    private record struct Request(PersistToken Token, bool HardState, LogIndex Last);

    /// <summary>Everything up to here is durable.</summary>
    public LogIndex Durable { get; private set; } = durable;

    /// <summary>Everything up to here was handed to the storage.</summary>
    public LogIndex Requested { get; private set; } = durable;

    /// <summary>Not zero: a truncation that the storage has not been told of.</summary>
    public LogIndex TruncateFrom { get; private set; }

    /// <summary>Whether the hard state changed since it was last handed over.</summary>
    public bool HardStateChanged { get; private set; }

    /// <summary>Whether the newest hard state is durable: before, nothing that depends on it may be said.</summary>
    public bool HardStateDurable => !HardStateChanged && hardStatesInFlight == 0;

    public void OnHardStateChanged() => HardStateChanged = true;

    public void OnTruncated(LogIndex from)
    {
        TruncateFrom = TruncateFrom == LogIndex.Zero ? from : LogIndex.Min(TruncateFrom, from);
        Durable = LogIndex.Min(Durable, from.Previous);
        Requested = LogIndex.Min(Requested, from.Previous);
        for (var i = 0; i < count; i++)
        {
            ref var request = ref inFlight[(head + i) % inFlight.Length];
            request.Last = LogIndex.Min(request.Last, from.Previous);
        }
    }

    /// <summary>A durable snapshot replaced the log up to here. A truncation that the storage was not told of begins behind it: the snapshot's record came before, and left nothing that it would take back.</summary>
    public void OnSnapshot(LogIndex through)
    {
        if (TruncateFrom != LogIndex.Zero) TruncateFrom = LogIndex.Max(TruncateFrom, through.Next);
        Durable = LogIndex.Max(Durable, through);
        Requested = LogIndex.Max(Requested, through);
    }

    public bool HasWork(LogIndex last) => HardStateChanged || TruncateFrom != LogIndex.Zero || last > Requested;

    public PersistRequest Take(HardState hardState, LogIndex last)
    {
        var token = new PersistToken(++lastToken);
        var first = Requested.Next;
        var request = new PersistRequest(token, HardStateChanged ? hardState : null, TruncateFrom, first, (int)(last - Requested));
        Enqueue(new Request(token, HardStateChanged, last));
        if (HardStateChanged) hardStatesInFlight++;
        HardStateChanged = false;
        TruncateFrom = LogIndex.Zero;
        Requested = last;
        return request;
    }

    public void OnDurable(PersistToken token)
    {
        while (count > 0 && inFlight[head].Token.Value <= token.Value)
        {
            var request = inFlight[head];
            head = (head + 1) % inFlight.Length;
            count--;
            if (request.HardState) hardStatesInFlight--;
            Durable = LogIndex.Max(Durable, request.Last);
        }
    }

    private void Enqueue(Request request)
    {
        if (count == inFlight.Length)
        {
            var larger = new Request[count * 2];
            for (var i = 0; i < count; i++) larger[i] = inFlight[(head + i) % count];
            (inFlight, head) = (larger, 0);
        }

        inFlight[(head + count++) % inFlight.Length] = request;
    }
}
