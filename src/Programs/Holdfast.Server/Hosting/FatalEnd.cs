using System.Runtime.InteropServices;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Server.Hosting;

/// <summary>
/// How a node ends that must not go on: one sentence for the operator (what, why, what to do), an exit code of its own, no stack trace. What was acknowledged is safe: it is on a majority's
/// disks. The sentence is also left in the data directory, so that the next start says it again and raises an alarm: a supervisor that restarts at once would otherwise hide it (R1.10).
/// </summary>
internal sealed record FatalEnd(int Code, NodeEvent Event, string Sentence)
{
    private const string LastWordsFile = "last-words";

    /// <summary>What a fault means for whoever is woken by it.</summary>
    public static FatalEnd Of(Exception fault, string node, string dataDirectory)
    {
        var first = fault is WalPoisonedException { InnerException: { } cause } ? cause : fault;
        return first switch
        {
            DiskFullException => new(ExitCode.DiskFull, NodeEvents.DiskFull,
                $"node {node} has stopped: the disk that holds {dataDirectory} is full, so nothing more can be made durable there. Nothing acknowledged is lost, and the other nodes go on if they are a majority. Free some space (df {dataDirectory}) and start the node again."),
            IOException => new(ExitCode.DiskFailed, NodeEvents.DiskFailed,
                $"node {node} has stopped: the disk that holds {dataDirectory} failed ({first.Message.TrimEnd('.')}), and after a failed write or fsync nothing it says can be trusted until the log has been read again (S7). Look at the disk (dmesg, smartctl), then start the node again; if the disk is lost, start it with an empty directory."),
            InvariantBrokenException { Message: var broken } when broken.Contains("two leaders in one term", StringComparison.Ordinal) => new(ExitCode.SplitBrain, NodeEvents.SplitBrain,
                $"node {node} has stopped: SPLIT BRAIN, two leaders were seen in one term, which no crash, pause or partition can cause. Stop clients from writing, keep all data directories, and compare the nodes (holdfast status, etcdctl endpoint hashkv) before any is started again. Two machines may run on copies of one data directory."),
            _ => new(ExitCode.BrokenInvariant, NodeEvents.BrokenInvariant,
                $"node {node} has stopped: what must always be true was not ({first.Message.TrimEnd('.')}). Nothing acknowledged is lost. Start it again: recovery looks at what is on disk. If it stops again, keep {dataDirectory} and report it; a bug of ours or faulty memory did this."),
        };
    }

    /// <summary>Says it, leaves it for the next start, and ends the process at once: no other thread gets to do harm.</summary>
    public void End(NodeLog log, string dataDirectory)
    {
        log.Fail(Event, Sentence);
        LeaveLastWords(dataDirectory);
        if (OperatingSystem.IsLinux()) EndAtOnce(Code);
        Environment.Exit(Code);
    }

    /// <summary>What the node said when it last ended by itself; null when it did not. Taken: it is said once.</summary>
    public static string? TakeLastWords(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, LastWordsFile);
        try
        {
            if (!File.Exists(path)) return null;
            var words = File.ReadAllText(path).Trim();
            File.Delete(path);
            return words.Length > 0 ? words : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null; // The log of the earlier process has it.
        }
    }

    private void LeaveLastWords(string dataDirectory)
    {
        try
        {
            if (Directory.Exists(dataDirectory)) File.WriteAllText(Path.Combine(dataDirectory, LastWordsFile), $"{DateTime.UtcNow:u} {Sentence}\n");
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            // A full disk takes no words; the log has them.
        }
    }

    /// <summary>Ends without asking anybody: a shutdown in good order would wait for threads that must do nothing more.</summary>
    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void EndAtOnce(int code);
}
