using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Server.Commands;

/// <summary>
/// How far long work is, on standard error: on a terminal a line that is written over, elsewhere a plain line now and then, so that a log of a nightly job stays readable. From one thread.
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private static readonly TimeSpan OnTerminal = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Elsewhere = TimeSpan.FromSeconds(5);

    private readonly bool isTerminal = !Console.IsErrorRedirected;
    private readonly Stopwatch since = Stopwatch.StartNew();
    private TimeSpan shownAt;
    private int width;

    /// <summary>Shows it, when it is time.</summary>
    /// <param name="what">What is being done.</param>
    /// <param name="done">Bytes done.</param>
    /// <param name="total">Bytes to do; 0 when that is not known.</param>
    public void Show(string what, long done, long total) => Show(total > 0 ? $"{what}: {100 * Math.Min(done, total) / total} % of {Size(total)}" : $"{what}: {Size(done)}");

    /// <summary>Shows it, when it is time.</summary>
    /// <param name="line">How far it is.</param>
    public void Show(string line)
    {
        if (since.Elapsed - shownAt < (isTerminal ? OnTerminal : Elsewhere)) return;
        shownAt = since.Elapsed;
        if (!isTerminal)
        {
            Console.Error.WriteLine(line);
            return;
        }

        Console.Error.Write("\r" + line.PadRight(width));
        width = line.Length;
    }

    /// <summary>Takes the line away, so that something else may be said.</summary>
    public void Clear()
    {
        if (isTerminal && width > 0) Console.Error.Write("\r" + new string(' ', width) + "\r");
        width = 0;
    }

    /// <inheritdoc cref="Clear"/>
    public void Dispose() => Clear();

    /// <summary>Bytes as people read them.</summary>
    public static string Size(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var unit = 0;
        double size = bytes;
        for (; size >= 1024 && unit < units.Length - 1; unit++) size /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 ? size : Math.Round(size, 1))} {units[unit]}");
    }
}
