using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace.Rdb;

/// <summary>Takes the bytes of a file as they are made; they are valid during the call.</summary>
/// <param name="bytes">The next bytes.</param>
public delegate void RdbSink(ReadOnlySpan<byte> bytes);

/// <summary>Writes an RDB file that Redis loads: libraries, then keys, each once, from the payloads of DUMP.</summary>
public sealed class RdbFileWriter
{
    private readonly RdbSink target;
    private readonly RdbWriter writer = new();
    private readonly int version;
    private ulong sum;

    /// <summary>Writes the head.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="version">Of the file: 10 (Redis 7.0 and later) or 12 (7.4 and later, with dates of hash fields).</param>
    /// <param name="seconds">The present, s since the Unix epoch.</param>
    public RdbFileWriter(RdbSink target, int version, long seconds)
    {
        (this.target, this.version) = (target, version);
        writer.Raw(RdbFormat.Magic);
        writer.Raw(Encoding.ASCII.GetBytes(version.ToString("D4", CultureInfo.InvariantCulture)));
        Fact("redis-ver", ConnectionCommands.RedisVersion);
        Fact("redis-bits", "64");
        Fact("ctime", seconds.ToString(CultureInfo.InvariantCulture));
        Send();
    }

    /// <summary>Adds the libraries of a payload of FUNCTION DUMP. Before the first key.</summary>
    public void AddLibraries(ReadOnlySpan<byte> payload)
    {
        writer.Raw(payload[..^RdbPayload.TailBytes]);
        writer.Byte(RdbFormat.Database);
        writer.Length(0);
        Send();
    }

    /// <summary>Adds a key.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="payload">What DUMP said of it.</param>
    /// <param name="expiry">When it expires, ms since the Unix epoch; negative for never.</param>
    /// <exception cref="InvalidDataException">A file of this version cannot hold it.</exception>
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> payload, long expiry) => AddValue(key, payload[..^RdbPayload.TailBytes], expiry);

    /// <summary>Adds a key.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="payload">Its type and value, as they stand at the beginning of what DUMP says.</param>
    /// <param name="expiry">When it expires, ms since the Unix epoch; negative for never.</param>
    /// <exception cref="InvalidDataException">A file of this version cannot hold it.</exception>
    public void AddValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> payload, long expiry)
    {
        if (payload[0] >= (byte)RdbType.HashDated && version < RdbFormat.VersionMax)
            throw new InvalidDataException($"the hash {Encoding.UTF8.GetString(key)} has fields that expire, which files of version {version} cannot say; one of version {RdbFormat.VersionMax}, for Redis 7.4, can");
        if (expiry >= 0)
        {
            writer.Byte(RdbFormat.ExpiryInMilliseconds);
            writer.Long(expiry);
        }

        writer.Byte(payload[0]);
        writer.String(key);
        writer.Raw(payload[1..]);
        Send();
    }

    /// <summary>The file is whole.</summary>
    public void Close()
    {
        writer.Byte(RdbFormat.End);
        Send();
        Span<byte> tail = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(tail, sum);
        target(tail);
    }

    private void Fact(string name, string value)
    {
        writer.Byte(RdbFormat.Fact);
        writer.String(Encoding.ASCII.GetBytes(name));
        writer.String(Encoding.ASCII.GetBytes(value));
    }

    private void Send()
    {
        sum = Crc64.Continue(sum, writer.Written);
        target(writer.Written);
        writer.Clear();
    }
}

/// <summary>The payloads of DUMP and RESTORE: a type, a value, and behind them the version and the checksum.</summary>
internal static class RdbPayload
{
    public const int TailBytes = DumpCommands.TailBytes;

    /// <summary>A payload of a type and a value.</summary>
    public static byte[] Close(byte type, ReadOnlySpan<byte> value)
    {
        var payload = new byte[1 + value.Length + TailBytes];
        payload[0] = type;
        value.CopyTo(payload.AsSpan(1));
        Seal(payload);
        return payload;
    }

    /// <summary>A payload that another server gave, marked as ours: a newer Redis marks values with its own version that are laid out as they always were. What is not is refused when it is read.</summary>
    public static byte[] Renew(byte[] payload)
    {
        Seal(payload);
        return payload;
    }

    private static void Seal(byte[] payload)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(payload.AsSpan(payload.Length - TailBytes), RdbFormat.VersionMax);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(payload.Length - 8), Crc64.Of(payload.AsSpan(0, payload.Length - 8)));
    }
}
