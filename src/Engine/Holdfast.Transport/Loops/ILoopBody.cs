using Holdfast.Primitives;

namespace Holdfast.Transport;

/// <summary>What a loop does when it wakes. Called on the loop's own thread only.</summary>
public interface ILoopBody
{
    /// <summary>Called once per wake-up, after ready sockets were served. Returns the next time at which it wants to be called, if nothing wakes it before.</summary>
    Instant Turn(Instant now);
}

/// <summary>A part that lives on a loop beside its body, such as a mesh: it turns before the body does, and closes what it holds when the loop ends.</summary>
public interface ILoopPart : ILoopBody
{
    /// <summary>The loop ends: called once, on its thread, last.</summary>
    void OnLoopEnded();
}

/// <summary>Who serves a file descriptor that an <see cref="EventLoop"/> watches. Called on the loop's own thread.</summary>
public interface IReadyHandler
{
    /// <summary>The descriptor is ready. Level-triggered: what is left unread is reported again.</summary>
    void OnReady(ReadyEvents events, Instant now);
}

/// <summary>What a descriptor is watched for, or ready for. The values are those of epoll.</summary>
[Flags]
public enum ReadyEvents : uint
{
    /// <summary>Nothing: errors and hang-ups are reported nevertheless.</summary>
    None = 0,

    /// <summary>There is something to read, or the other side has closed.</summary>
    Readable = 0x1,

    /// <summary>There is room to write.</summary>
    Writable = 0x4,

    /// <summary>The descriptor has failed.</summary>
    Failed = 0x8,

    /// <summary>Both directions are closed.</summary>
    HungUp = 0x10,
}

/// <summary>A descriptor's place in a loop. The generation keeps an event of a closed descriptor from reaching whoever got its place.</summary>
/// <param name="Slot">The place.</param>
/// <param name="Generation">How often the place had been given away.</param>
/// <param name="Descriptor">The file descriptor.</param>
public readonly record struct LoopRegistration(int Slot, uint Generation, int Descriptor)
{
    /// <summary>No registration.</summary>
    public static readonly LoopRegistration None = new(-1, 0, -1);
}
