using System.Runtime.InteropServices;

namespace Holdfast.Storage;

/// <summary>The system calls that .NET does not offer: syncing data or a folder, locking, unbuffered writes, a thread's nice value and its time on the processor. Linux numbers; elsewhere <see cref="DirectoryDisk"/> does without.</summary>
internal static unsafe partial class Libc
{
    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;
    public const int OpenReadOnly = 0;
    public const int OpenWriteOnly = 1;
    public const int OpenCloseOnExec = 0x80000;
    public const int SeekData = 3;
    public const int SeekHole = 4;
    public const int ErrorNoSpace = 28;
    public const int ErrorQuota = 122;
    public const int ErrorInterrupted = 4;
    public const int PriorityOfProcess = 0;

    /// <summary>The flag has another number on arm64.</summary>
    public static int OpenDirect => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    /// <summary>A short text file's content, whoever has it open or locked: the runtime's own readers respect locks. Empty when it cannot be read.</summary>
    public static string ReadShortText(string path)
    {
        var descriptor = Open(path, OpenReadOnly | OpenCloseOnExec);
        if (descriptor < 0) return "";
        var bytes = stackalloc byte[64];
        var count = Read(descriptor, bytes, 64, 0);
        _ = Close(descriptor);
        return count <= 0 ? "" : System.Text.Encoding.UTF8.GetString(bytes, (int)count).Trim();
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int SyncData(int descriptor);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    public static partial int Allocate(int descriptor, long offset, long length);

    /// <summary>Forget the cached pages of a range.</summary>
    public const int AdviceDontNeed = 4;

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    public static partial int Advise(int descriptor, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Write(int descriptor, byte* source, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "gettid")]
    public static partial int ThreadId();

    /// <summary>Linux gives a nice value to each thread: "process" here is the thread's own number.</summary>
    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    public static partial int SetPriority(int which, int who, int nice);

    /// <summary>Seconds, and nanoseconds behind them.</summary>
    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    public static partial int ReadClock(int clock, long* time);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint Read(int descriptor, byte* target, nuint count, long offset);
}
