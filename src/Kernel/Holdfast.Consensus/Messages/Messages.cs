using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>A candidate asks for a vote, or (pre-vote, Raft thesis 9.6) whether it would get one, before it raises its term.</summary>
/// <param name="Term">The term the candidate stands, or would stand, for.</param>
/// <param name="Last">Where its log ends.</param>
/// <param name="IsPreVote">Asks without consequence.</param>
/// <param name="IsTransfer">The leader of the term before has asked for this election and given up its lease (Raft thesis 3.10).</param>
public readonly record struct RequestVote(Term Term, LogPosition Last, bool IsPreVote, bool IsTransfer);

/// <summary>The answer to <see cref="RequestVote"/>.</summary>
/// <param name="Term">The voter's term; for a granted pre-vote, the term that was asked about.</param>
/// <param name="Granted">Yes or no.</param>
/// <param name="IsPreVote">Answers a pre-vote.</param>
public readonly record struct VoteReply(Term Term, bool Granted, bool IsPreVote);

/// <summary>The fixed part of an append: heartbeat, commit announcement, read round and entries in one.</summary>
/// <param name="Term">The leader's term.</param>
/// <param name="Previous">The position just before the entries, which must match.</param>
/// <param name="Commit">The leader's commit index.</param>
/// <param name="ReadRound">The newest round of reads that an answer confirms; rises over a leader's term.</param>
public readonly record struct AppendHeader(Term Term, LogPosition Previous, LogIndex Commit, ulong ReadRound);

/// <summary>An append as the core emits it: the entries are named, and are taken from the log when the frame is written.</summary>
/// <param name="Header">The fixed part.</param>
/// <param name="First">The first entry's index.</param>
/// <param name="Count">How many entries follow; zero is a heartbeat.</param>
/// <param name="StripPayload">The receiver is a witness: commands travel without their payload.</param>
public readonly record struct AppendOutbound(AppendHeader Header, LogIndex First, int Count, bool StripPayload);

/// <summary>The answer to an append.</summary>
/// <param name="Term">The follower's term.</param>
/// <param name="Accepted">Whether <see cref="AppendHeader.Previous"/> matched.</param>
/// <param name="Match">Accepted: everything up to here is verified by this term's appends <em>and durable</em> (S1). Rejected: the index that did not match.</param>
/// <param name="Hint">Rejected: the follower's best guess where the logs still agree: its last position with a term not above the leader's.</param>
/// <param name="ReadRound">The read round of the newest append that this answers.</param>
/// <param name="Bound">The support epoch to which the follower has bound its vote in this term, or none (S2).</param>
/// <param name="IsWhole">False while the follower's log is damaged and under repair: its word moves the flow of entries but is not counted (S8).</param>
public readonly record struct AppendReply(Term Term, bool Accepted, LogIndex Match, LogPosition Hint, ulong ReadRound, SupportEpoch Bound, bool IsWhole);

/// <summary>The leader no longer has the entries that a follower needs: the follower is to fetch a snapshot, from the leader or any replica that has one.</summary>
/// <param name="Term">The leader's term.</param>
/// <param name="Position">The newest position the leader's own snapshot covers; a later one serves as well.</param>
public readonly record struct OfferSnapshot(Term Term, LogPosition Position);

/// <summary>The leader, which has given up its lease, asks a caught-up voter to stand at once (Raft thesis 3.10).</summary>
public readonly record struct TimeoutNow(Term Term);

/// <summary>
/// A node that does not lead a term, and so never will again, frees the votes that are bound to it in that term (S2): its lease of that term is void for good.
/// Said when a leader steps down, and to whoever still believes.
/// </summary>
public readonly record struct ReleaseVote(Term Term);

/// <summary>
/// A voter of a group in which too few voters are whole asks every member, damaged ones too, to persist a common higher term and to agree that no log of theirs
/// ends later than its own (S8).
/// </summary>
/// <param name="Term">The term to persist; of a trial, the one that would be.</param>
/// <param name="Last">Where the caller's log ends.</param>
/// <param name="IsTrial">Asks without consequence.</param>
public readonly record struct CallRoll(Term Term, LogPosition Last, bool IsTrial);

/// <summary>The answer to <see cref="CallRoll"/>, said when the term is on the disk.</summary>
/// <param name="Term">The answerer's term; of a granted trial, the term that was asked about.</param>
/// <param name="Granted">No log here ends later, and the caller has this member's vote in the term.</param>
/// <param name="IsTrial">Answers a trial.</param>
/// <param name="Last">Where the answerer's log ends, as far as it is whole.</param>
/// <param name="DamagedUpTo">Zero from a whole log. Else entries up to here may have been acknowledged and are unreadable.</param>
public readonly record struct RollAnswer(Term Term, bool Granted, bool IsTrial, LogPosition Last, LogIndex DamagedUpTo);

/// <summary>A follower asks its leader for a read index on behalf of its own clients (Raft thesis 6.4).</summary>
/// <param name="Term">The follower's term: a reply of another term is not the asked-for one.</param>
/// <param name="Context">The follower's number for the batch of reads.</param>
public readonly record struct ReadIndexRequest(Term Term, ulong Context);

/// <summary>The leader's answer to <see cref="ReadIndexRequest"/>.</summary>
/// <param name="Term">The leader's term.</param>
/// <param name="Context">The follower's number.</param>
/// <param name="Index">Reads may be served once this index is applied.</param>
/// <param name="Granted">False: not the leader, or not able to say.</param>
public readonly record struct ReadIndexReply(Term Term, ulong Context, LogIndex Index, bool Granted);
