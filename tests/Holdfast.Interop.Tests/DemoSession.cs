using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Holdfast.Interop.Tests;

/// <summary>A session with <c>holdfast demo</c>: lines in, sentences out.</summary>
internal sealed class DemoSession : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Patient.Most;

    private readonly Process process;
    private readonly StringBuilder transcript = new();

    private DemoSession(Process process) => this.process = process;

    public int ProcessId => process.Id;

    public static DemoSession Begin(params string[] words)
    {
        var start = new ProcessStartInfo(ServerBench.Program, ["demo", .. words]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return new DemoSession(Process.Start(start)!);
    }

    /// <summary>Reads until a line fits, and gives what it says.</summary>
    public async Task<Match> ExpectAsync(string pattern)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            {
                transcript.AppendLine(line);
                if (Regex.Match(line, pattern) is { Success: true } fits) return fits;
            }
        }
        catch (OperationCanceledException)
        {
            // Said below, with the transcript.
        }

        throw new InvalidOperationException($"the demo {(process.HasExited ? "ended" : "waits")} without saying \"{pattern}\":\n{transcript}");
    }

    /// <summary>Types a line.</summary>
    public async Task TypeAsync(string line)
    {
        transcript.AppendLine("> " + line);
        await process.StandardInput.WriteLineAsync(line);
        await process.StandardInput.FlushAsync();
    }

    /// <summary>Types a line and reads until the answer fits.</summary>
    public async Task<Match> SayAsync(string line, string pattern)
    {
        await TypeAsync(line);
        return await ExpectAsync(pattern);
    }

    /// <summary>Asks for the status until somebody leads: between two leaders nobody does, and a node that died is named for a while.</summary>
    public async Task<string> LeaderAsync(string otherThan = "")
    {
        for (var begun = Stopwatch.StartNew(); begun.Elapsed < Patience;)
        {
            await TypeAsync("status");
            string? leader = null;
            for (var node = 1; node <= 3; node++)
                if ((await ExpectAsync($@"^  n{node}  (.+?)  +term ")).Groups[1].Value == "leader") leader = $"n{node}";
            if (leader is not null && leader != otherThan) return leader;
        }

        throw new InvalidOperationException($"nobody leads:\n{transcript}");
    }

    /// <summary>Kills whoever leads, and once more if leadership had moved on just before; the name of the killed and of the next leader.</summary>
    public async Task<(string Killed, string Next)> KillTheLeaderAsync(string more)
    {
        while (true)
        {
            var leader = await LeaderAsync();
            var said = await SayAsync($"kill {leader}", $@"^killed {leader}(?:, which did not lead|; election took \d+ ms; new leader (n[123]) \(term \d+\)){more}");
            if (said.Groups[1].Success) return (leader, said.Groups[1].Value);
            await SayAsync($"restart {leader}", $"^{leader} is back ");
        }
    }

    /// <summary>No more lines will be typed.</summary>
    public void EndInput() => process.StandardInput.Close();

    /// <summary>The exit code, once it has ended.</summary>
    public async Task<int> ExitAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Patience);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
