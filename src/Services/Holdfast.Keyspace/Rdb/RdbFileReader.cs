using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace.Rdb;

/// <summary>
/// Reads an RDB file of Redis or Valkey a record at a time, up to the version of Redis 7.4. Values are not decoded: each is measured, and comes as the payload that RESTORE takes and looks at. The checksum at the end is
/// compared with what was read.
/// </summary>
/// <param name="source">The file, from its beginning.</param>
public sealed class RdbFileReader(Stream source)
{
    /// <summary>Bytes of one record: no value of Redis's is larger in this form.</summary>
    private const int RecordMax = 1 << 30;

    private byte[] buffer = new byte[64 * 1024];
    private int from;
    private int at;
    private int end;
    private ulong sum;
    private int version;
    private int database;

    /// <summary>The next record; null behind the last one.</summary>
    /// <exception cref="InvalidDataException">The file is none, is cut off or damaged, or holds what no Redis Cluster can.</exception>
    public RdbRecord? Read()
    {
        if (version == 0) ReadHead();
        for (var expiry = -1L; ;)
        {
            Forget();
            var code = Byte();
            switch (code)
            {
                case RdbFormat.ExpiryInMilliseconds: expiry = BinaryPrimitives.ReadInt64LittleEndian(Take(8)); break;
                case RdbFormat.ExpiryInSeconds: expiry = BinaryPrimitives.ReadInt32LittleEndian(Take(4)) * 1000L; break;
                case RdbFormat.Database: database = (int)Length(); break;
                case RdbFormat.TableSizes: Skip(static reader => reader.Length(), 2); break;
                case RdbFormat.SlotFacts: Skip(static reader => reader.Length(), 3); break;
                case RdbFormat.IdleTime: Length(); break;
                case RdbFormat.Frequency: Byte(); break;
                case RdbFormat.Fact: Skip(static reader => reader.SkipString(), 2); break;
                case RdbFormat.Library: return new RdbRecord.Library(String());
                case RdbFormat.ModuleFacts: throw new InvalidDataException("the file holds data of a module, which nobody here can read");
                case RdbFormat.End:
                    CheckSum();
                    return null;
                default: return Key((RdbType)code, expiry);
            }
        }
    }

    private void ReadHead()
    {
        var head = Take(9);
        if (!head.StartsWith(RdbFormat.Magic) || !int.TryParse(Encoding.ASCII.GetString(head[5..]), NumberStyles.None, CultureInfo.InvariantCulture, out version) || version == 0) throw new InvalidDataException("this is no RDB file");
        if (version > RdbFormat.VersionMax) throw new InvalidDataException($"the file is of RDB version {version}; those up to {RdbFormat.VersionMax} (Redis 7.4) are read");
    }

    private RdbRecord.Key Key(RdbType type, long expiry)
    {
        var name = String();
        var begun = at - from;
        SkipValue(type);
        var value = buffer.AsSpan(from + begun, at - from - begun);
        return new RdbRecord.Key(database, name, RdbPayload.Close((byte)type, value), expiry);
    }

    private void SkipValue(RdbType type)
    {
        switch (type)
        {
            case RdbType.String or RdbType.ListZiplist or RdbType.IntSet or RdbType.SortedSetZiplist or RdbType.HashZiplist or RdbType.HashListpack or RdbType.SortedSetListpack or RdbType.SetListpack:
                SkipString();
                break;
            case RdbType.List or RdbType.Set or RdbType.QuicklistOfZiplists:
                Skip(static reader => reader.SkipString(), Length());
                break;
            case RdbType.Hash:
                Skip(static reader => reader.SkipString(), 2 * Length());
                break;
            case RdbType.SortedSetText:
                Skip(static reader => { reader.SkipString(); reader.SkipTextScore(); }, Length());
                break;
            case RdbType.SortedSet:
                Skip(static reader => { reader.SkipString(); reader.Take(8); }, Length());
                break;
            case RdbType.Quicklist:
                Skip(static reader => { reader.Length(); reader.SkipString(); }, Length());
                break;
            case RdbType.HashDated:
                Take(8);
                Skip(static reader => { reader.Length(); reader.SkipString(); reader.SkipString(); }, Length());
                break;
            case RdbType.HashListpackDated:
                Take(8);
                SkipString();
                break;
            case RdbType.StreamFirst or RdbType.StreamSecond or RdbType.StreamThird:
                SkipStream(type);
                break;
            default:
                throw new InvalidDataException($"the file holds a value of type {(byte)type}, which no Redis Cluster up to 7.4 has (a module's?)");
        }
    }

    private void SkipStream(RdbType type)
    {
        Skip(static reader => reader.SkipString(), 2 * Length());
        Skip(static reader => reader.Length(), type == RdbType.StreamFirst ? 3UL : 8UL);
        for (var groups = Length(); groups > 0; groups--)
        {
            SkipString();
            Skip(static reader => reader.Length(), type == RdbType.StreamFirst ? 2UL : 3UL);
            Skip(static reader => { reader.Take(StreamId.Bytes + 8); reader.Length(); }, Length());
            for (var consumers = Length(); consumers > 0; consumers--)
            {
                SkipString();
                Take(type == RdbType.StreamThird ? 16 : 8);
                Skip(static reader => reader.Take(StreamId.Bytes), Length());
            }
        }
    }

    private void Skip(Action<RdbFileReader> one, ulong times)
    {
        for (; times > 0; times--) one(this);
    }

    private void SkipString()
    {
        var length = LengthOrEncoding(out var isEncoding);
        if (!isEncoding) Take(length);
        else if (length < 3) Take(1 << (int)length);
        else if (length == 3)
        {
            var packed = Length();
            Length();
            Take(packed);
        }
        else throw new InvalidDataException("a string is of an encoding that is not known");
    }

    private void SkipTextScore()
    {
        var length = Byte();
        if (length < 253) Take(length);
    }

    /// <summary>A string as it reads.</summary>
    private byte[] String()
    {
        var begun = at - from;
        SkipString();
        var reader = new RdbReader(buffer.AsSpan(from + begun, at - from - begun));
        var text = reader.String().ToArray();
        return reader.IsWhole ? text : throw new InvalidDataException("a string is damaged");
    }

    private ulong Length()
    {
        var length = LengthOrEncoding(out var isEncoding);
        return isEncoding ? throw new InvalidDataException("a string stands where a length is expected") : length;
    }

    private ulong LengthOrEncoding(out bool isEncoding)
    {
        var first = Byte();
        isEncoding = first >> 6 == 3;
        return (first >> 6, first) switch
        {
            (0 or 3, _) => (ulong)(first & 0x3F),
            (1, _) => (((ulong)first & 0x3F) << 8) | Byte(),
            (_, 0x80) => BinaryPrimitives.ReadUInt32BigEndian(Take(4)),
            (_, 0x81) => BinaryPrimitives.ReadUInt64BigEndian(Take(8)),
            _ => throw new InvalidDataException("a length is damaged"),
        };
    }

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(ulong count) => count <= RecordMax ? Take((int)count) : throw new InvalidDataException("a length is damaged");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (end - at < count) Fetch(count);
        at += count;
        return buffer.AsSpan(at - count, count);
    }

    private void Fetch(int count)
    {
        var needed = at - from + (long)count;
        if (needed > RecordMax) throw new InvalidDataException("a record is longer than any that Redis writes");
        if (from > 0)
        {
            buffer.AsSpan(from, end - from).CopyTo(buffer);
            (at, end, from) = (at - from, end - from, 0);
        }

        if (needed > buffer.Length) Array.Resize(ref buffer, (int)Math.Max(needed, Math.Min(2L * buffer.Length, RecordMax)));
        while (end - at < count)
        {
            var read = source.Read(buffer, end, buffer.Length - end);
            if (read == 0) throw new InvalidDataException("the file is cut off");
            end += read;
        }
    }

    /// <summary>What was read up to here is not looked at again.</summary>
    private void Forget()
    {
        sum = Crc64.Continue(sum, buffer.AsSpan(from, at - from));
        from = at;
    }

    private void CheckSum()
    {
        Forget();
        if (version < RdbFormat.VersionWithSum) return;
        var expected = sum;
        var told = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

        // Zero: Redis was told to write none (rdbchecksum no).
        if (told != 0 && told != expected) throw new InvalidDataException("the file's checksum is wrong");
    }
}
