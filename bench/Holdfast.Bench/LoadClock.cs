namespace Holdfast.Bench;

/// <summary>The phases of a measurement: warm-up, counting, over.</summary>
internal sealed class LoadClock
{
    private volatile int phase;

    public bool IsCounting => phase == 1;

    public bool IsOver => phase == 2;

    public void Count() => phase = 1;

    public void End() => phase = 2;
}
