using System.Buffers.Binary;
using System.Text;

namespace Holdfast.Wire.Dns;

/// <summary>
/// Writes an answer into a buffer that is as large as the answer may be. Records are written whole or not at all: when an answer or an authority does not fit, the message says that it is cut off (TC), and the
/// asker comes again by TCP; additional records that do not fit are left out silently.
/// </summary>
public ref struct DnsReplyWriter
{
    /// <summary>What every asker can take over UDP (RFC 1035 4.2.1).</summary>
    public const int UdpBytesMin = 512;

    /// <summary>What is sent over UDP at most, whatever the asker says: it passes every path in one piece (the DNS flag day 2020's number).</summary>
    public const int UdpBytesMax = 1232;

    private const int OptBytes = 11;
    private const int NamesMax = 64;

    private readonly Span<byte> into;
    private readonly int room;
    private readonly List<(string Name, int At)> names = [];
    private readonly DnsQuery query;
    private int at;

    private DnsReplyWriter(Span<byte> into, DnsQuery query)
    {
        this.into = into;
        this.query = query;
        room = into.Length - (query.Edns is null ? 0 : OptBytes);
    }

    /// <summary>How large an answer over UDP may be.</summary>
    public static int UdpRoom(DnsQuery query) => query.Edns is { } edns ? Math.Clamp((int)edns.UdpBytes, UdpBytesMin, UdpBytesMax) : UdpBytesMin;

    /// <summary>Writes, and returns the message's length.</summary>
    /// <param name="into">Room for the message, at least <see cref="UdpBytesMin"/>, at most 65,535.</param>
    /// <param name="query">What was asked.</param>
    /// <param name="reply">The answer.</param>
    public static int Write(Span<byte> into, DnsQuery query, DnsReply reply)
    {
        if (into.Length is < UdpBytesMin or > ushort.MaxValue) throw new ArgumentOutOfRangeException(nameof(into), into.Length, "a DNS message has 512 to 65,535 bytes of room");
        var writer = new DnsReplyWriter(into, query);
        return writer.Write(reply);
    }

    private int Write(DnsReply reply)
    {
        at = DnsQuery.HeaderBytes;
        query.Question.Span.CopyTo(into[at..]);
        at += query.Question.Length;
        var isWhole = TryAll(reply.Answers, out var answers);
        isWhole &= TryAll(reply.Authorities, out var authorities);
        TryAll(reply.Additional, out var additional);
        if (query.Edns is { } edns)
        {
            WriteOpt(reply.Code, edns);
            additional++;
        }

        var flags = 0x8000 | query.Opcode | (reply.IsAuthoritative ? 0x0400 : 0) | (isWhole ? 0 : 0x0200) | (query.WantsRecursion ? 0x0100 : 0) | ((int)reply.Code & 0xf);
        ReadOnlySpan<ushort> header = [query.Id, (ushort)flags, (ushort)(query.Question.Length > 0 ? 1 : 0), (ushort)answers, (ushort)authorities, (ushort)additional];
        for (var field = 0; field < header.Length; field++) BinaryPrimitives.WriteUInt16BigEndian(into[(2 * field)..], header[field]);
        return at;
    }

    private bool TryAll(IReadOnlyList<DnsRecord> records, out int written)
    {
        written = 0;
        foreach (var record in records)
        {
            var (before, known) = (at, names.Count);
            if (!TryWrite(record))
            {
                at = before;
                names.RemoveRange(known, names.Count - known);
                return false;
            }

            written++;
        }

        return true;
    }

    private bool TryWrite(DnsRecord record)
    {
        if (record.Owner is { } owner ? !TryName(owner, compress: true) : !TryPointer(DnsQuery.HeaderBytes)) return false;
        if (!TryUInt16((ushort)record.Data.Type) || !TryUInt16(DnsQuery.Internet) || !TryUInt32(record.Ttl) || !TryUInt16(0)) return false;
        var begin = at;
        if (!TryData(record.Data)) return false;
        BinaryPrimitives.WriteUInt16BigEndian(into[(begin - 2)..], (ushort)(at - begin));
        return true;
    }

    private bool TryData(DnsData data) => data switch
    {
        DnsData.Address address => TryBytes(address.Value.GetAddressBytes()),

        // A target is never compressed (RFC 2782).
        DnsData.Service service => TryUInt16(service.Priority) && TryUInt16(service.Weight) && TryUInt16(service.Port) && TryName(service.Target, compress: false),
        DnsData.Name name => TryName(name.Target, compress: true),
        DnsData.Authority soa => TryName(soa.Server, compress: true) && TryName(soa.Mailbox, compress: true)
            && TryUInt32(soa.Serial) && TryUInt32(soa.Refresh) && TryUInt32(soa.Retry) && TryUInt32(soa.Expire) && TryUInt32(soa.NegativeTtl),
        _ => throw new ArgumentException($"no layout for {data.Type}", nameof(data)),
    };

    /// <summary>A name, or as much of it as was not written before, and a pointer to that.</summary>
    private bool TryName(string name, bool compress)
    {
        for (var rest = name; rest.Length > 0;)
        {
            var earlier = names.Find(known => known.Name == rest);
            if (compress && earlier.At > 0) return TryPointer(earlier.At);
            if (at < 0x4000 && names.Count < NamesMax) names.Add((rest, at));
            var dot = rest.IndexOf('.', StringComparison.Ordinal);
            var label = dot < 0 ? rest : rest[..dot];
            if (label.Length is 0 or > 63) throw new ArgumentException($"\"{name}\" is no name: a label has 1 to 63 characters", nameof(name));
            if (!TryBytes([(byte)label.Length]) || !TryBytes(Encoding.ASCII.GetBytes(label))) return false;
            rest = dot < 0 ? "" : rest[(dot + 1)..];
        }

        return TryBytes([0]);
    }

    private bool TryPointer(int target) => TryUInt16((ushort)(0xc000 | target));

    private bool TryBytes(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > room - at) return false;
        bytes.CopyTo(into[at..]);
        at += bytes.Length;
        return true;
    }

    private bool TryUInt16(ushort value)
    {
        if (room - at < 2) return false;
        BinaryPrimitives.WriteUInt16BigEndian(into[at..], value);
        at += 2;
        return true;
    }

    private bool TryUInt32(uint value) => TryUInt16((ushort)(value >> 16)) && TryUInt16((ushort)value);

    private void WriteOpt(DnsCode code, DnsEdns edns)
    {
        var opt = into.Slice(at, OptBytes);
        opt.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(opt[1..], (ushort)DnsType.Opt);
        BinaryPrimitives.WriteUInt16BigEndian(opt[3..], UdpBytesMax);
        opt[5] = (byte)((int)code >> 4);
        if (edns.WantsDnssec) opt[7] = 0x80;
        at += OptBytes;
    }
}
