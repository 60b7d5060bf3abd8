using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Running;

/// <summary>A command that may run only as long as something is held: told to end (SIGTERM) when it is lost, and made to (SIGKILL) when it does not within the grace.</summary>
internal sealed class GuardedCommand(IReadOnlyList<string> words, TimeSpan grace)
{
    /// <summary>Runs the command to its end, or until it must not run any more.</summary>
    /// <param name="environment">Variables that the command finds.</param>
    /// <param name="lost">What is held is not held any more.</param>
    /// <param name="stop">Whoever started us wants it to end.</param>
    /// <returns>The command's exit code, 128 and its number for a signal; or <see cref="ExitCode.Lost"/>.</returns>
    public async Task<int> RunAsync(IEnumerable<(string Name, string Value)> environment, CancellationToken lost, CancellationToken stop)
    {
        var start = new ProcessStartInfo(words[0], words.Skip(1)) { UseShellExecute = false };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        if (lost.IsCancellationRequested) return ExitCode.Lost;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception missing)
        {
            await Console.Error.WriteLineAsync($"holdfast: {words[0]} cannot be started: {missing.Message}");
            return ExitCode.NoSuchCommand;
        }

        using (process)
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(lost, stop);
            try
            {
                await process.WaitForExitAsync(over.Token);
                return process.ExitCode;
            }
            catch (OperationCanceledException)
            {
                if (lost.IsCancellationRequested)
                    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"holdfast: lost; stopping {words[0]} (killed if it is there in {grace.TotalSeconds} s)"));
                await StopAsync(process);
                return lost.IsCancellationRequested ? ExitCode.Lost : process.ExitCode;
            }
        }
    }

    private async Task StopAsync(Process process)
    {
        var tree = new ProcessTree(process.Id);
        tree.Signal(ProcessTree.Terminate);
        var begun = Stopwatch.StartNew();
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (tree.IsAlive && begun.Elapsed < grace) await look.WaitForNextTickAsync();
        while (tree.IsAlive)
        {
            tree.Signal(ProcessTree.Kill);
            await look.WaitForNextTickAsync();
        }

        await process.WaitForExitAsync();
    }
}
