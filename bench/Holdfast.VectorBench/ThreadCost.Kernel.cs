using System.Runtime.InteropServices;

namespace Holdfast.VectorBench;

/// <summary>CPU seconds of the calling thread: what survives a machine that others use too.</summary>
internal static unsafe partial class ThreadCost
{
    private const int ThreadCpuClock = 3;

    public static double Seconds
    {
        get
        {
            var time = stackalloc long[2];
            _ = ClockGetTime(ThreadCpuClock, time);
            return time[0] + (time[1] * 1e-9);
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, long* time);
}
