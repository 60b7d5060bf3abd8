namespace Holdfast.Storage;

/// <summary>
/// Which threads of the engine have the processor first when it is short. By nice values, which Linux keeps for each thread: <see cref="Thread.Priority"/> does nothing there.
/// Elsewhere, and where the system refuses, a thread stays as it is, which is no fault.
/// </summary>
public static class ThreadRank
{
    /// <summary>As the event loops: every write of the node waits for the log's thread.</summary>
    private const int NiceOfFirst = -10;

    /// <summary>May always be asked for. A thread of it still gets a tenth of what an ordinary one gets.</summary>
    private const int NiceOfLast = 10;

    /// <summary>The calling thread goes before ordinary ones. Needs the capability, or a limit that allows it (<c>LimitNICE</c>).</summary>
    public static void TakeFirst() => Take(NiceOfFirst);

    /// <summary>The calling thread lets others go before it.</summary>
    public static void TakeLast() => Take(NiceOfLast);

    private static void Take(int nice)
    {
        if (OperatingSystem.IsLinux()) _ = Libc.SetPriority(Libc.PriorityOfProcess, Libc.ThreadId(), nice);
    }
}
