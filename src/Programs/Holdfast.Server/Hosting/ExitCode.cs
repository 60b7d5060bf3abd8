namespace Holdfast.Server.Hosting;

/// <summary>
/// What the program's exit codes say: one table for every verb; scripts and supervisors act on it (docs/errors.md). 70 to 74 end a node that must not go on, whatever was asked of it.
/// A command that runs under <c>lock</c>, <c>elect</c> or <c>service register</c> gives its own code.
/// </summary>
internal static class ExitCode
{
    /// <summary>Done, or stopped as asked; a question was answered with yes.</summary>
    public const int Done = 0;

    /// <summary>Not done, or not well: the node cannot start, a server refused or did not answer, something is wrong. The sentence on standard error says what.</summary>
    public const int Failed = 1;

    /// <summary>The flags, variables or files contradict each other or cannot be read; nothing was tried.</summary>
    public const int Misused = 2;

    /// <summary>A write's outcome is unknown: read before trying again (S25).</summary>
    public const int Unknown = 3;

    /// <summary>The question was answered with no: no such key, nobody there, the flag is off.</summary>
    public const int No = 4;

    /// <summary>An invariant was broken: a bug of ours, or memory that does not keep what is written to it.</summary>
    public const int BrokenInvariant = 70;

    /// <summary>Two leaders were seen in one term.</summary>
    public const int SplitBrain = 71;

    /// <summary>The disk that holds the data directory is full.</summary>
    public const int DiskFull = 73;

    /// <summary>The disk that holds the data directory failed a write or an fsync.</summary>
    public const int DiskFailed = 74;

    /// <summary>The wait for a lock or an election was over before it was won.</summary>
    public const int NotAcquired = 75;

    /// <summary>What was held was lost, and the command under it was stopped.</summary>
    public const int Lost = 76;

    /// <summary>There is no such command to run (as a shell says it).</summary>
    public const int NoSuchCommand = 127;

    /// <summary>All of them, for the reference.</summary>
    public static readonly IReadOnlyList<(int Code, string Meaning)> All =
    [
        (Done, "done, or stopped as asked; a question was answered with yes; `doctor`: nothing, or advice alone"),
        (Failed, "not done, or not well: the sentence on standard error says why; `status`: a node is down or knows no leader; `doctor`: an error"),
        (Misused, "the flags, variables or files are wrong; nothing was tried"),
        (Unknown, "a write's outcome is unknown: read before trying again"),
        (No, "a question was answered with no: no such key, nobody there, the flag is off, nothing to go back to"),
        (BrokenInvariant, "a node ended itself: an invariant was broken"),
        (SplitBrain, "a node ended itself: two leaders in one term"),
        (DiskFull, "a node ended itself, or cannot start: its disk is full"),
        (DiskFailed, "a node ended itself: its disk failed a write or an fsync"),
        (NotAcquired, "`lock`, `elect`: the wait was over first; the command did not run"),
        (Lost, "`lock`, `elect`: what was held was lost, and the command was stopped"),
        (NoSuchCommand, "`lock`, `elect`, `service register`: there is no such command"),
    ];
}
