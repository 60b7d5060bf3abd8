using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Holdfast.Transport.Interop;

namespace Holdfast.Transport;

/// <summary>
/// One epoll instance and the buffer of its events. A leaf in unsafe code: the kernel's event record is packed to 12 bytes on x64 and 16 bytes elsewhere.
/// Benchmark: <c>Holdfast.Transport.Tests --show-live-output on</c> prints the cost of a hop between two loops.
/// </summary>
internal sealed unsafe class Epoll : IDisposable
{
    private const int EventsMax = 256;
    private static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int Stride = Packed ? 12 : 16;
    private static readonly int DataOffset = Packed ? 4 : 8;
    private readonly int epoll;
    private byte* events;

    public Epoll()
    {
        epoll = Libc.EpollCreate(Libc.EpollCloseOnExec);
        if (epoll < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_create1 failed");
        events = (byte*)NativeMemory.Alloc(EventsMax, 16);
    }

    public void Add(int fd, ReadyEvents interest, ulong data) => Control(Libc.EpollAdd, fd, interest, data);

    public void Modify(int fd, ReadyEvents interest, ulong data) => Control(Libc.EpollModify, fd, interest, data);

    /// <summary>A descriptor that is gone already was removed by the kernel: that is no error.</summary>
    public void Remove(int fd)
    {
        var record = stackalloc byte[16];
        _ = Libc.EpollControl(epoll, Libc.EpollDelete, fd, record);
    }

    /// <summary>Waits, and returns how many events there are. A signal counts as none.</summary>
    public int Wait(int timeoutMilliseconds)
    {
        var count = Libc.EpollWait(epoll, events, EventsMax, timeoutMilliseconds);
        if (count >= 0) return count;
        var error = Marshal.GetLastPInvokeError();
        return error == Libc.Interrupted ? 0 : throw new Win32Exception(error, "epoll_wait failed");
    }

    public void Event(int index, out ReadyEvents ready, out ulong data)
    {
        var record = events + index * Stride;
        ready = (ReadyEvents)Unsafe.ReadUnaligned<int>(record);
        data = Unsafe.ReadUnaligned<ulong>(record + DataOffset);
    }

    public void Dispose()
    {
        if (events is null) return;
        NativeMemory.Free(events);
        events = null;
        _ = Libc.Close(epoll);
    }

    private void Control(int operation, int fd, ReadyEvents interest, ulong data)
    {
        var record = stackalloc byte[16];
        Marshal.WriteInt32((nint)record, (int)interest);
        Marshal.WriteInt64((nint)(record + DataOffset), (long)data);
        if (Libc.EpollControl(epoll, operation, fd, record) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_ctl failed");
    }
}
