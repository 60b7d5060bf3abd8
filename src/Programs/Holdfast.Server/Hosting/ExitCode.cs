namespace Holdfast.Server.Hosting;

/// <summary>What the program's exit codes say; supervisors act on them (docs/operations.md). 70 to 74 end a node that must not go on, whatever was asked of it.</summary>
internal static class ExitCode
{
    /// <summary>Done, or stopped as asked.</summary>
    public const int Done = 0;

    /// <summary>Not done: the node cannot start, a server refused or did not answer, something is wrong. The sentence on standard error says what.</summary>
    public const int Failed = 1;

    /// <summary>The flags, variables or files contradict each other or cannot be read; nothing was tried.</summary>
    public const int Misused = 2;

    /// <summary>A write's outcome is unknown: read before trying again (S25).</summary>
    public const int Unknown = 3;

    /// <summary>An invariant was broken: a bug of ours, or memory that does not keep what is written to it.</summary>
    public const int BrokenInvariant = 70;

    /// <summary>Two leaders were seen in one term.</summary>
    public const int SplitBrain = 71;

    /// <summary>The disk that holds the data directory is full.</summary>
    public const int DiskFull = 73;

    /// <summary>The disk that holds the data directory failed a write or an fsync.</summary>
    public const int DiskFailed = 74;
}
