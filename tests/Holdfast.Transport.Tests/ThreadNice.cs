using System.Globalization;

namespace Holdfast.Transport.Tests;

/// <summary>How the kernel ranks a thread.</summary>
internal static class ThreadNice
{
    /// <summary>That of a loop that goes first, where the process may raise it.</summary>
    public const int OfFirst = -10;

    /// <summary>The calling thread's: the nineteenth field of its line, the seventeenth behind its name in brackets (proc(5)).</summary>
    public static int OfThis()
    {
        var line = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(line[(line.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }
}
