using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>A message and whom it is for.</summary>
public readonly record struct Outbound<TMessage>(NodeId To, TMessage Message);

/// <summary>A list that is filled, read and cleared over and over, and after warm-up allocates nothing.</summary>
public sealed class EffectList<T>
{
    private T[] items = new T[8];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>The items, valid until the next change.</summary>
    public ReadOnlySpan<T> Items => items.AsSpan(0, Count);

    internal void Add(in T item)
    {
        if (Count == items.Length) Array.Resize(ref items, Count * 2);
        items[Count++] = item;
    }

    internal void MoveTo(EffectList<T> target)
    {
        foreach (ref readonly var item in Items) target.Add(item);
        Clear();
    }

    internal void Clear()
    {
        Array.Clear(items, 0, Count);
        Count = 0;
    }
}

/// <summary>Numbers a persist request. The storage returns it when everything in the request is durable; requests become durable in order.</summary>
public readonly record struct PersistToken(ulong Value);

/// <summary>What must reach the disk, in this order within the group: truncation, hard state, entries.</summary>
/// <param name="Token">To be handed to <see cref="RaftNode.OnDurable"/>.</param>
/// <param name="HardState">The hard state, when it changed.</param>
/// <param name="TruncateFrom">Not zero: entries from here on are void before the new ones are written.</param>
/// <param name="First">The first entry to write; meaningful when <paramref name="Count"/> is not zero.</param>
/// <param name="Count">How many entries to write, from <paramref name="First"/> on.</param>
public readonly record struct PersistRequest(PersistToken Token, HardState? HardState, LogIndex TruncateFrom, LogIndex First, int Count);

/// <summary>A batch of reads that may be served once <paramref name="Index"/> is applied, or that failed and must be asked anew.</summary>
/// <param name="Context">The caller's number for the batch.</param>
/// <param name="Index">What must be applied first.</param>
/// <param name="Granted">False: leadership was lost or is unknown; nothing was read.</param>
public readonly record struct ReadReady(ulong Context, LogIndex Index, bool Granted);

/// <summary>What a replica has become.</summary>
public readonly record struct RoleChange(RaftRole Role, Term Term, NodeId Leader);

/// <summary>
/// What a replica wants done. Owned and reused by the caller: <see cref="RaftNode.Flush"/> fills it, the caller carries it out,
/// then clears it. Everything here may be carried out at once and in any order: what must wait for the disk is held back by the core
/// until <see cref="RaftNode.OnDurable"/>.
/// </summary>
public sealed class Effects
{
    /// <summary>Vote requests to send.</summary>
    public EffectList<Outbound<RequestVote>> RequestVotes { get; } = new();

    /// <summary>Vote answers to send.</summary>
    public EffectList<Outbound<VoteReply>> VoteReplies { get; } = new();

    /// <summary>Appends to send; their entries are read from <see cref="RaftNode.Log"/>.</summary>
    public EffectList<Outbound<AppendOutbound>> Appends { get; } = new();

    /// <summary>Append answers to send.</summary>
    public EffectList<Outbound<AppendReply>> AppendReplies { get; } = new();

    /// <summary>Snapshot offers to send.</summary>
    public EffectList<Outbound<OfferSnapshot>> SnapshotOffers { get; } = new();

    /// <summary>Requests to stand for election, to send.</summary>
    public EffectList<Outbound<TimeoutNow>> TimeoutNows { get; } = new();

    /// <summary>Releases of bound votes to send.</summary>
    public EffectList<Outbound<ReleaseVote>> VoteReleases { get; } = new();

    /// <summary>Roll calls to send.</summary>
    public EffectList<Outbound<CallRoll>> RollCalls { get; } = new();

    /// <summary>Roll calls' answers to send.</summary>
    public EffectList<Outbound<RollAnswer>> RollAnswers { get; } = new();

    /// <summary>Read-index requests to send.</summary>
    public EffectList<Outbound<ReadIndexRequest>> ReadIndexRequests { get; } = new();

    /// <summary>Read-index answers to send.</summary>
    public EffectList<Outbound<ReadIndexReply>> ReadIndexReplies { get; } = new();

    /// <summary>Batches of this node's own reads that are decided.</summary>
    public EffectList<ReadReady> Reads { get; } = new();

    /// <summary>What to persist, if anything.</summary>
    public PersistRequest? Persist { get; internal set; }

    /// <summary>Entries up to here are committed and may be applied; zero when nothing new is.</summary>
    public LogIndex CommittedTo { get; internal set; }

    /// <summary>Not zero: entries from here on were taken back. They had not been committed; an at-append state machine undoes them.</summary>
    public LogIndex TruncatedFrom { get; internal set; }

    /// <summary>Set when role, term or known leader changed.</summary>
    public RoleChange? Role { get; internal set; }

    /// <summary>Set when the configuration in force changed (at append or by truncation).</summary>
    public Configuration? Configuration { get; internal set; }

    /// <summary>Set when this replica must fetch a snapshot that covers at least this position, from the sender or another replica.</summary>
    public Outbound<OfferSnapshot>? SnapshotWanted { get; internal set; }

    /// <summary>Set when this replica leads because all members agreed, too few voters being whole (S8): an operator must hear of it.</summary>
    public RollHeld? RollHeld { get; internal set; }

    /// <summary>Adds the messages of another buffer, which is left without any.</summary>
    internal void TakeMessages(Effects held)
    {
        held.RequestVotes.MoveTo(RequestVotes);
        held.VoteReplies.MoveTo(VoteReplies);
        held.AppendReplies.MoveTo(AppendReplies);
        held.TimeoutNows.MoveTo(TimeoutNows);
        held.VoteReleases.MoveTo(VoteReleases);
        held.RollCalls.MoveTo(RollCalls);
        held.RollAnswers.MoveTo(RollAnswers);
        held.ReadIndexRequests.MoveTo(ReadIndexRequests);
        held.ReadIndexReplies.MoveTo(ReadIndexReplies);
    }

    internal void ForgetMessages()
    {
        RequestVotes.Clear();
        VoteReplies.Clear();
        AppendReplies.Clear();
        TimeoutNows.Clear();
        RollCalls.Clear();
        RollAnswers.Clear();
        ReadIndexRequests.Clear();
        ReadIndexReplies.Clear();
    }

    internal bool HasMessages =>
        RequestVotes.Count + VoteReplies.Count + AppendReplies.Count + TimeoutNows.Count + VoteReleases.Count + RollCalls.Count + RollAnswers.Count + ReadIndexRequests.Count + ReadIndexReplies.Count > 0;

    /// <summary>Forgets everything, keeps the memory.</summary>
    public void Clear()
    {
        RequestVotes.Clear();
        VoteReplies.Clear();
        Appends.Clear();
        AppendReplies.Clear();
        SnapshotOffers.Clear();
        TimeoutNows.Clear();
        VoteReleases.Clear();
        RollCalls.Clear();
        RollAnswers.Clear();
        ReadIndexRequests.Clear();
        ReadIndexReplies.Clear();
        Reads.Clear();
        Persist = null;
        CommittedTo = LogIndex.Zero;
        TruncatedFrom = LogIndex.Zero;
        Role = null;
        Configuration = null;
        SnapshotWanted = null;
        RollHeld = null;
    }
}
