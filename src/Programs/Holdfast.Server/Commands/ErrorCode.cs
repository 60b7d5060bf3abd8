using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary>Why a verb was not done, for programs: the word in brackets at the end of the sentence, and <c>code</c> under <c>-o json</c>. Stable; docs/errors.md explains each.</summary>
/// <param name="Name">The word.</param>
/// <param name="Exit">The exit code.</param>
/// <param name="Meaning">When.</param>
/// <param name="Cure">What to do.</param>
internal sealed record ErrorCode(string Name, int Exit, string Meaning, string Cure)
{
    public static readonly ErrorCode Misused = new("misused", ExitCode.Misused, "Flags, variables or files contradict each other or cannot be read; nothing was tried.", "Mend what the sentence names.");
    public static readonly ErrorCode OutcomeUnknown = new("outcome-unknown", ExitCode.Unknown, "A write was sent, and its answer did not come: it may have been executed.", "Read to see whether it was, then decide. It is never sent again for you.");
    public static readonly ErrorCode Unavailable = new("unavailable", ExitCode.Failed, "No server answered, or the one that did has no leader or no quorum.", "Is one running there? `--endpoints` or `HOLDFAST_ENDPOINTS` says where to look; `holdfast status` says who is missing.");
    public static readonly ErrorCode TimedOut = new("timed-out", ExitCode.Failed, "A read was not answered in time.", "Try again; `holdfast doctor` looks for slow disks and silent peers.");
    public static readonly ErrorCode NotSignedIn = new("not-signed-in", ExitCode.Failed, "The cluster has users, and the name or password is missing or wrong.", "`--user name:password`, or `HOLDFAST_USER` and `HOLDFAST_PASSWORD`.");
    public static readonly ErrorCode Forbidden = new("forbidden", ExitCode.Failed, "The user may not do this.", "Grant a role with that range of keys (`etcdctl role grant-permission`), or ask as root.");
    public static readonly ErrorCode NoSpace = new("no-space", ExitCode.Failed, "The keyspace has reached its quota, or a majority's disks are nearly full: puts are refused, deletions are not.", "Delete, or compact; or raise `--quota` on every node, or free disk space.");
    public static readonly ErrorCode TooLarge = new("too-large", ExitCode.Failed, "The request is larger than a server takes, or too many are under way.", "Keep values below 1.5 MiB; try again later.");
    public static readonly ErrorCode Compacted = new("compacted", ExitCode.Failed, "The revision is forgotten, or not there yet.", "Read the newest; `--compaction` says how long the past is kept.");
    public static readonly ErrorCode Changed = new("changed-meanwhile", ExitCode.Failed, "Somebody else changed it between reading and writing; nothing was written.", "Look at it and try again.");
    public static readonly ErrorCode NotFound = new("not-found", ExitCode.Failed, "What was named to be changed does not exist.", "The sentence lists what there is.");
    public static readonly ErrorCode Refused = new("refused", ExitCode.Failed, "A server or a file does not allow it; nothing was changed.", "The sentence says what stands against it.");
    public static readonly ErrorCode CannotStart = new("cannot-start", ExitCode.Failed, "The node cannot start. A full or failed disk has exit code 73 or 74.", "The sentence names the file, port or member.");
    public static readonly ErrorCode NotAcquired = new("not-acquired", ExitCode.NotAcquired, "Somebody else holds it, and the wait is over.", "Wait longer (`--wait`), or try later.");

    /// <summary>All of them, for the reference.</summary>
    public static readonly IReadOnlyList<ErrorCode> All =
        [Misused, OutcomeUnknown, Unavailable, TimedOut, NotSignedIn, Forbidden, NoSpace, TooLarge, Compacted, Changed, NotFound, Refused, CannotStart, NotAcquired];
}
