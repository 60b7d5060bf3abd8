using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// The calls of the C library that a client's bytes take: straight from the loop, without a managed socket between, because a command that costs a microsecond should not pay one more for each
/// of its two calls (prototypes: 7 to 8 us of CPU per unpipelined command against 13 and more; <c>bench/peers/redis.sh</c>). Linux only.
/// </summary>
internal static unsafe partial class SocketCalls
{
    /// <summary>The other side has closed, or the connection is broken.</summary>
    public const int Closed = -1;

    private const int TryAgain = 11;
    private const int Interrupted = 4;
    private const int NoSignal = 0x4000;
    private const int NonBlockingCloseOnExec = 0x800 | 0x80000;
    private const int AddressBytes = 28;
    private const ushort InterNetwork = 2;
    private const ushort InterNetworkV6 = 10;

    /// <summary>Bytes read; 0 when there are none now.</summary>
    public static int Receive(int descriptor, Span<byte> target)
    {
        fixed (byte* bytes = target)
        {
            var count = recv(descriptor, bytes, (nuint)target.Length, 0);
            if (count > 0) return (int)count;
            if (count == 0) return Closed;
            return Marshal.GetLastPInvokeError() is TryAgain or Interrupted ? 0 : Closed;
        }
    }

    /// <summary>Bytes taken; 0 when there is no room now.</summary>
    public static int Send(int descriptor, ReadOnlySpan<byte> source)
    {
        fixed (byte* bytes = source)
        {
            var count = send(descriptor, bytes, (nuint)source.Length, NoSignal);
            if (count >= 0) return (int)count;
            return Marshal.GetLastPInvokeError() is TryAgain or Interrupted ? 0 : Closed;
        }
    }

    /// <summary>The next connection that waits, and where it comes from; -1 when none does.</summary>
    public static int Accept(int listener, out string remote)
    {
        var address = stackalloc byte[AddressBytes];
        var length = AddressBytes;
        var descriptor = accept4(listener, address, &length, NonBlockingCloseOnExec);
        remote = descriptor < 0 ? "" : Describe(new ReadOnlySpan<byte>(address, AddressBytes));
        return descriptor;
    }

    /// <summary>Where a connection arrives at this machine.</summary>
    public static string LocalOf(int descriptor)
    {
        var address = stackalloc byte[AddressBytes];
        var length = AddressBytes;
        return getsockname(descriptor, address, &length) < 0 ? "" : Describe(new ReadOnlySpan<byte>(address, AddressBytes));
    }

    /// <summary>Sends small replies at once (TCP_NODELAY).</summary>
    public static void SetNoDelay(int descriptor)
    {
        const int LevelOfTcp = 6;
        const int NoDelay = 1;
        var one = 1;
        _ = setsockopt(descriptor, LevelOfTcp, NoDelay, &one, sizeof(int));
    }

    public static void Close(int descriptor) => _ = close(descriptor);

    private static string Describe(ReadOnlySpan<byte> address)
    {
        var family = BinaryPrimitives.ReadUInt16LittleEndian(address);
        var port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
        var ip = family switch
        {
            InterNetwork => new IPAddress(address.Slice(4, 4)).ToString(),
            InterNetworkV6 => new IPAddress(address.Slice(8, 16)) is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4().ToString() : "[" + new IPAddress(address.Slice(8, 16)) + "]",
            _ => "?",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{ip}:{port}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int fd, byte* buffer, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, byte* buffer, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(int fd, byte* address, int* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockname(int fd, byte* address, int* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int name, void* value, int length);

    [LibraryImport("libc")]
    private static partial int close(int fd);
}
