using System.Buffers;
using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// The effects of one entry: a version, then commands, each as its number of arguments and the arguments with their lengths. A command's name is its first argument, so that a number never has to mean
/// the same in two versions. Replicas execute them as they stand, at the entry's time (S13).
/// </summary>
internal sealed class EffectsWriter
{
    public const byte Version = 1;

    private const int NumberBytesMax = 5;

    /// <summary>Bytes of a command that is written in one piece.</summary>
    private const int TogetherMax = 64 * 1024;

    // Shards of several loops replay at once.
    [ThreadStatic]
    private static EffectsWriter? discarding;

    private IBufferWriter<byte>? target;

    /// <summary>A writer whose bytes go nowhere, with a command begun: for handlers that are replayed.</summary>
    public static EffectsWriter Nowhere(int arguments)
    {
        var writer = discarding ??= new EffectsWriter();
        writer.Begin(new ArrayBufferWriter<byte>());
        writer.Open(arguments);
        return writer;
    }

    /// <summary>Bytes written; zero means that there is nothing to log.</summary>
    public int Length { get; private set; }

    /// <summary>A checksum over everything written.</summary>
    public ulong Digest { get; private set; }

    /// <summary>Begins an entry.</summary>
    public void Begin(IBufferWriter<byte> buffer)
    {
        target = buffer;
        Length = 0;
        Digest = 0;
    }

    /// <summary>Logs a command as it came.</summary>
    public void Write(RespArguments arguments)
    {
        Open(arguments.Count);
        var most = arguments.Bytes + ((long)arguments.Count * NumberBytesMax);
        if (most > TogetherMax)
        {
            for (var i = 0; i < arguments.Count; i++) Argument(arguments[i]);
            return;
        }

        // As one piece: most commands are small, and asking the target for room costs as much as copying one.
        var span = target!.GetSpan((int)most);
        var at = 0;
        for (var i = 0; i < arguments.Count; i++)
        {
            var bytes = arguments[i];
            at += Number((uint)bytes.Length, span[at..]);
            bytes.CopyTo(span[at..]);
            at += bytes.Length;
            Count(bytes);
        }

        target.Advance(at);
        Length += at;
    }

    /// <summary>Begins a command of so many arguments, its name included; that many arguments follow.</summary>
    public void Open(int arguments)
    {
        if (Length == 0)
        {
            target!.GetSpan(1)[0] = Version;
            target.Advance(1);
            Length = 1;
        }

        Number((uint)arguments);
    }

    /// <summary>The next argument.</summary>
    public void Argument(ReadOnlySpan<byte> bytes)
    {
        Number((uint)bytes.Length);
        bytes.CopyTo(target!.GetSpan(bytes.Length));
        target.Advance(bytes.Length);
        Length += bytes.Length;
        Count(bytes);
    }

    /// <summary>The next argument, a whole number.</summary>
    public void Argument(long number)
    {
        Span<byte> text = stackalloc byte[24];
        Argument(text[..RespNumber.Format(number, text)]);
    }

    /// <summary>A command of one to three arguments.</summary>
    public void Write(ReadOnlySpan<byte> name, ReadOnlySpan<byte> first)
    {
        Open(2);
        Argument(name);
        Argument(first);
    }

    internal static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    private void Count(ReadOnlySpan<byte> argument) => Digest = Mix(Digest ^ Crc32C.Of(argument) ^ ((ulong)argument.Length << 32));

    private void Number(uint value)
    {
        var count = Number(value, target!.GetSpan(NumberBytesMax));
        target.Advance(count);
        Length += count;
    }

    private static int Number(uint value, Span<byte> span)
    {
        var count = 0;
        for (; value >= 0x80; value >>= 7) span[count++] = (byte)(value | 0x80);
        span[count++] = (byte)value;
        return count;
    }
}

/// <summary>Reads effects back, a command at a time. Bytes that are no effects end the reading, never more.</summary>
internal struct EffectsReader(int length)
{
    private int at;

    /// <summary>Whether all that was read so far was well formed.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>Passes over the version; false when it is unknown.</summary>
    public bool Begin(byte[] buffer)
    {
        IsWhole = length > 0 && buffer[0] == EffectsWriter.Version;
        at = 1;
        return IsWhole;
    }

    /// <summary>The next command's arguments, as places in the buffer; false at the end.</summary>
    public bool TryRead(byte[] buffer, RespArguments arguments, ref ulong digest)
    {
        if (at >= length || !IsWhole) return false;
        arguments.Begin(buffer);
        for (var left = Number(buffer); left > 0 && IsWhole; left--)
        {
            var count = Number(buffer);
            if (!IsWhole || count > length - at)
            {
                IsWhole = false;
                break;
            }

            arguments.Add(at, (int)count);
            digest = EffectsWriter.Mix(digest ^ Crc32C.Of(buffer.AsSpan(at, (int)count)) ^ ((ulong)count << 32));
            at += (int)count;
        }

        return IsWhole;
    }

    private uint Number(byte[] buffer)
    {
        var value = 0u;
        for (var shift = 0; shift < 35; shift += 7)
        {
            if (at >= length) break;
            var next = buffer[at++];
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        IsWhole = false;
        return 0;
    }
}
