using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>Messages as a reviewer wants to read them: one short line each.</summary>
internal static class MessageText
{
    public static string Of(in RequestVote message) =>
        $"{(message.IsPreVote ? "pre-vote?" : "vote?")} term {message.Term} last {message.Last}{(message.IsTransfer ? " (transfer)" : "")}";

    public static string Of(in VoteReply message) => $"{(message.IsPreVote ? "pre-vote" : "vote")} {(message.Granted ? "granted" : "refused")} term {message.Term}";

    public static string Of(in AppendOutbound message) =>
        $"append term {message.Header.Term} after {message.Header.Previous} entries={message.Count} commit {message.Header.Commit}{(message.Header.ReadRound > 0 ? $" round {message.Header.ReadRound}" : "")}";

    public static string Of(in AppendReply message) =>
        message.Accepted
            ? $"accepted term {message.Term} up to {message.Match}{(message.ReadRound > 0 ? $" round {message.ReadRound}" : "")}{(message.Bound == SupportEpoch.None ? "" : " bound")}"
            : $"rejected term {message.Term} at {message.Match} hint {message.Hint}";

    public static string Of(in OfferSnapshot message) => $"snapshot offered term {message.Term} up to {message.Position}";

    public static string Of(in TimeoutNow message) => $"stand now, term {message.Term}";

    public static string Of(in ReleaseVote message) => $"vote released, term {message.Term}";

    public static string Of(in CallRoll message) => $"{(message.IsTrial ? "would all agree?" : "all agree?")} term {message.Term} last {message.Last}";

    public static string Of(in RollAnswer message) =>
        $"{(message.IsTrial ? "would " : "")}{(message.Granted ? "agree" : "not agree")} term {message.Term} last {message.Last}{(message.DamagedUpTo == LogIndex.Zero ? "" : $" damaged up to {message.DamagedUpTo}")}";

    public static string Of(in ReadIndexRequest message) => $"read index? term {message.Term} batch {message.Context}";

    public static string Of(in ReadIndexReply message) => $"read index {(message.Granted ? message.Index.ToString() : "refused")} term {message.Term} batch {message.Context}";
}
