namespace Holdfast.Storage;

/// <summary>What a thread has had of the processor, as far as the system tells.</summary>
public static unsafe class ThreadTime
{
    private const int ClockOfThread = 3;

    /// <summary>Time that the calling thread has run, since it began; null elsewhere than on Linux. What passes beside it is time that it waited: for the processor, or for something that it asked for.</summary>
    public static TimeSpan? OnProcessor
    {
        get
        {
            var time = stackalloc long[2];
            return OperatingSystem.IsLinux() && Libc.ReadClock(ClockOfThread, time) == 0 ? new TimeSpan((time[0] * TimeSpan.TicksPerSecond) + (time[1] / TimeSpan.NanosecondsPerTick)) : null;
        }
    }
}
