using System.Buffers;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>
/// What a loop wants in the log, already encoded. Pure memory, for one thread at a time: the loop fills it, hands it over with
/// <see cref="IWalQueue.Submit"/>, and may touch it again after <see cref="IWalCompletions.OnBatchDurable"/>. Reused: after warm-up filling it allocates nothing.
/// Within a group, records take effect in the order of the calls.
/// </summary>
public sealed class WalBatch(int loop)
{
    /// <summary>A batch is handed over at the latest when it holds this many bytes. One entry may exceed it.</summary>
    public const int BytesMax = 4 * 1024 * 1024;

    private readonly ByteBuffer bytes = new(16 * 1024);
    private readonly ByteBuffer scratch = new(512);

    /// <summary>The loop that owns the batch: commits share their bytes fairly between loops.</summary>
    public int Loop { get; } = loop;

    /// <summary>The owner's own number for the batch; the log only carries it.</summary>
    public ulong Sequence { get; set; }

    /// <summary>How many records.</summary>
    public int RecordCount { get; private set; }

    /// <summary>Bytes as they will lie on disk.</summary>
    public int Bytes => bytes.Length;

    /// <summary>Nothing to write.</summary>
    public bool IsEmpty => RecordCount == 0;

    /// <summary>Whether the batch ought to be handed over before more is added.</summary>
    public bool IsFull => bytes.Length >= BytesMax;

    /// <summary>The records as bytes, in the order of the calls: what another log keeps and gives back to <see cref="RecordReplay"/>. Valid until the batch is touched again.</summary>
    public ReadOnlySpan<byte> Encoded => bytes.Written;

    /// <summary>Forgets the records, keeps the memory.</summary>
    public void Clear()
    {
        bytes.Clear();
        RecordCount = 0;
    }

    /// <summary>An entry at the end of the group's log. Its index must follow the group's last: what stood there before goes by <see cref="AppendTruncation"/> first.</summary>
    public void AppendEntry(GroupId group, in Entry entry) =>
        Append(new WalRecordHeader { Kind = WalRecordKind.Entry, Group = group, Term = entry.Position.Term, Index = entry.Position.Index.Value, EntryKind = (byte)entry.Kind }, entry.Payload.Span);

    /// <summary>The newest term, and the vote cast in it.</summary>
    public void AppendHardState(GroupId group, HardState hardState) =>
        Append(new WalRecordHeader { Kind = WalRecordKind.HardState, Group = group, Term = hardState.Term, Index = hardState.Vote.Value }, default);

    /// <summary>Entries from <paramref name="from"/> on are void.</summary>
    public void AppendTruncation(GroupId group, LogIndex from) =>
        Append(new WalRecordHeader { Kind = WalRecordKind.Truncation, Group = group, Index = from.Value }, default);

    /// <summary>
    /// A snapshot that is already durable (S10) covers everything up to <paramref name="through"/>: the entries up to there may go.
    /// If the log holds another term at that index, the snapshot came from another history and the entries after it go too.
    /// </summary>
    public void AppendCompaction(GroupId group, LogPosition through, Configuration atThatPoint, uint featureLevel)
    {
        EncodeConfiguration(atThatPoint, featureLevel);
        Append(new WalRecordHeader { Kind = WalRecordKind.Compaction, Group = group, Term = through.Term, Index = through.Index.Value }, scratch.Written);
    }

    /// <summary>The group begins on this node, with nothing in its log.</summary>
    public void AppendGroupCreated(GroupId group, Configuration initial, uint featureLevel)
    {
        EncodeConfiguration(initial, featureLevel);
        Append(new WalRecordHeader { Kind = WalRecordKind.GroupCreated, Group = group }, scratch.Written);
    }

    /// <summary>The group is gone from this node for good; the log remembers that it was here, for ids are never reused (S6).</summary>
    public void AppendTombstone(GroupId group) => Append(new WalRecordHeader { Kind = WalRecordKind.Tombstone, Group = group }, default);

    /// <summary>States an entry again that an old segment holds, so that the segment may go. Restates (index, term) and shortens nothing (S9).</summary>
    public void AppendCopied(GroupId group, in Entry entry) =>
        Append(new WalRecordHeader { Kind = WalRecordKind.Copied, Group = group, Term = entry.Position.Term, Index = entry.Position.Index.Value, EntryKind = (byte)entry.Kind }, entry.Payload.Span);

    internal void AppendMarks(GroupId group, ReadOnlySpan<byte> body) => Append(new WalRecordHeader { Kind = WalRecordKind.Marks, Group = group }, body);

    private void EncodeConfiguration(Configuration configuration, uint featureLevel)
    {
        scratch.Clear();
        new SpanWriter(scratch).WriteUInt32(featureLevel);
        configuration.Encode(scratch);
    }

    private void Append(in WalRecordHeader header, ReadOnlySpan<byte> body)
    {
        Invariant.Holds(body.Length <= WalRecordHeader.BodyBytesMax, "a log record is larger than the log can carry");
        var total = WalRecordHeader.TotalBytesOf(body.Length);
        var target = bytes.GetSpan(total)[..total];
        (header with { BodyLength = (uint)body.Length, BodyCrc = Crc32C.Of(body) }).WriteUnsealed(target);
        body.CopyTo(target[WalRecordHeader.Size..]);
        target[(WalRecordHeader.Size + body.Length)..].Clear();
        bytes.Advance(total);
        RecordCount++;
    }
}
