using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Vectors;

/// <summary>The clock that a process's routing waits by: the world's time, and timers that ring only while the process is awake.</summary>
internal sealed class SiteTime(ClusterProcess process) : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => process.World.Clock.Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SiteTimer(process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Rings once: nobody here asks for more.</summary>
    private sealed class SiteTimer(ClusterProcess process, TimerCallback callback, object? state) : ITimer
    {
        private int setting;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var mine = ++setting;
            if (dueTime < TimeSpan.Zero) return true;
            process.World.Clock.After(dueTime, () => process.WhenAwake(() =>
            {
                if (mine == setting) callback(state);
            }));
            return true;
        }

        public void Dispose() => setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
