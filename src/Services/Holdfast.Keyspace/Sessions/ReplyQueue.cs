using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// A client's replies, in the order of its commands, some of which may not leave yet: what a command saw or did must be committed first (S17, S18). A reply that waits holds back all after it.
/// </summary>
internal sealed class ReplyQueue
{
    /// <summary>What CLIENT LIST counts in (Redis's PROTO_REPLY_CHUNK_BYTES): the first block is "obl", further ones are "oll".</summary>
    public const int BlockBytes = 16 * 1024;

    private const int CompactAt = 64 * 1024;
    private const int KeptBytesMax = 4 * 1024;

    private readonly ByteBuffer bytes = new(512);
    private readonly Ring<Segment> segments = new();
    private long firstTicket;
    private int coveredTo;
    private int releasedTo;
    private int sentTo;
    private int mark;

    private struct Segment
    {
        public int End;
        public bool IsReleased;
    }

    public ReplyQueue() => Writer = new RespWriter(bytes);

    /// <summary>Where replies are written; say afterwards whether they wait or may go.</summary>
    public RespWriter Writer { get; }

    /// <summary>Bytes that are not sent yet, waiting ones included.</summary>
    public int Length => bytes.Length - sentTo;

    /// <summary>Blocks beyond the first that are not sent yet.</summary>
    public int Blocks => Math.Max(0, (Length - 1) / BlockBytes);

    /// <summary>Bytes of memory that it holds.</summary>
    public int Capacity => bytes.Capacity;

    /// <summary>Gives memory back that a large reply took, once all is sent.</summary>
    public void Shrink()
    {
        if (Length == 0 && segments.Count == 0) bytes.Trim(KeptBytesMax);
    }

    /// <summary>Replies that wait.</summary>
    public int Held => segments.Count;

    /// <summary>What may be sent now.</summary>
    public ReadOnlySpan<byte> Sendable => bytes.Written[sentTo..releasedTo];

    /// <summary>A command's reply begins here.</summary>
    public void Mark() => mark = bytes.Length;

    /// <summary>What was written since the mark.</summary>
    public ReadOnlySpan<byte> SinceMark => bytes.Written[Math.Min(mark, bytes.Length)..];

    /// <summary>Takes back what was written since the mark, unless it is promised already.</summary>
    public void DropSinceMark()
    {
        if (mark >= coveredTo) bytes.TruncateTo(mark);
    }

    /// <summary>What was written since the last time waits; the ticket releases it.</summary>
    public long Hold()
    {
        segments.Add(new Segment { End = bytes.Length });
        coveredTo = bytes.Length;
        return firstTicket + segments.Count - 1;
    }

    /// <summary>What was written since the last time may go, behind what waits.</summary>
    public void Pass()
    {
        if (bytes.Length == coveredTo) return;
        coveredTo = bytes.Length;
        if (segments.Count == 0) releasedTo = bytes.Length;
        else segments.Add(new Segment { End = bytes.Length, IsReleased = true });
    }

    /// <summary>A reply may go.</summary>
    public void Release(long ticket)
    {
        var place = ticket - firstTicket;
        if (place < 0 || place >= segments.Count) return;
        segments[(int)place].IsReleased = true;
        while (segments.Count > 0 && segments.First.IsReleased)
        {
            releasedTo = segments.First.End;
            segments.RemoveFirst();
            firstTicket++;
        }
    }

    /// <summary>So many bytes were sent.</summary>
    public void Sent(int count)
    {
        sentTo += count;
        if (sentTo == bytes.Length)
        {
            bytes.Clear();
            for (var i = 0; i < segments.Count; i++) segments[i].End = 0; // Empty replies (CLIENT REPLY OFF) may still wait.
            sentTo = releasedTo = coveredTo = mark = 0;
        }
        else if (sentTo > CompactAt && sentTo > bytes.Length / 2)
        {
            bytes.DropFirst(sentTo);
            for (var i = 0; i < segments.Count; i++) segments[i].End -= sentTo;
            releasedTo -= sentTo;
            coveredTo -= sentTo;
            mark = Math.Max(0, mark - sentTo);
            sentTo = 0;
        }
    }
}
