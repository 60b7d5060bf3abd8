using Holdfast.Primitives;
using Holdfast.Server.Hosting;
using Holdfast.Storage;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>How a node ends that must not go on: a sentence for whoever is woken by it, and an exit code of its own (R1.10, S7).</summary>
public sealed class FatalEndTests
{
    [Fact]
    public void Every_end_names_its_cause_what_to_do_and_a_code_of_its_own()
    {
        var ends = new (Exception Fault, int Code, string Cause, string Cure)[]
        {
            (new WalPoisonedException("closed", new DiskFullException("no space")), ExitCode.DiskFull, "is full", "Free some space"),
            (new WalPoisonedException("closed", new IOException("Cannot sync wal/1: Input/output error.")), ExitCode.DiskFailed, "Input/output error", "Look at the disk"),
            (new InvariantBrokenException("two leaders in one term"), ExitCode.SplitBrain, "SPLIT BRAIN", "Stop clients from writing"),
            (new InvariantBrokenException("commit beyond the log's end"), ExitCode.BrokenInvariant, "commit beyond the log's end", "Start it again"),
        };
        foreach (var (fault, code, cause, cure) in ends)
        {
            var end = FatalEnd.Of(fault, "n1", "/var/lib/holdfast");
            Assert.Equal(code, end.Code);
            Assert.StartsWith("node n1 has stopped: ", end.Sentence, StringComparison.Ordinal);
            Assert.Contains(cause, end.Sentence, StringComparison.Ordinal);
            Assert.Contains(cure, end.Sentence, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', end.Sentence);
        }

        Assert.Equal(ends.Length, ends.Select(end => end.Code).Distinct().Count());
    }

    [Fact]
    public void Last_words_are_said_once_by_the_next_start()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-words-");
        try
        {
            Assert.Null(FatalEnd.TakeLastWords(folder.FullName));
            File.WriteAllText(Path.Combine(folder.FullName, "last-words"), "2026-01-01 split brain\n");
            Assert.Equal("2026-01-01 split brain", FatalEnd.TakeLastWords(folder.FullName));
            Assert.Null(FatalEnd.TakeLastWords(folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
