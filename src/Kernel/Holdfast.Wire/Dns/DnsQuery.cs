using System.Buffers.Binary;

namespace Holdfast.Wire.Dns;

/// <summary>What an asker can take (EDNS0, RFC 6891).</summary>
/// <param name="UdpBytes">The largest UDP answer, as he says.</param>
/// <param name="Version">The EDNS version; only 0 exists.</param>
/// <param name="WantsDnssec">Whether he asks for signatures; the bit is given back.</param>
public readonly record struct DnsEdns(ushort UdpBytes, byte Version, bool WantsDnssec);

/// <summary>A question as it came in, or why it cannot be answered.</summary>
public sealed class DnsQuery
{
    /// <summary>A message's header.</summary>
    public const int HeaderBytes = 12;

    /// <summary>The class of the internet.</summary>
    public const ushort Internet = 1;

    private const ushort ResponseBit = 0x8000;
    private const int OpcodeMask = 0x7800;
    private const ushort RecursionDesiredBit = 0x0100;

    private DnsQuery()
    {
    }

    /// <summary>The asker's number, given back.</summary>
    public ushort Id { get; private init; }

    /// <summary>The opcode's bits, given back.</summary>
    internal ushort Opcode { get; private init; }

    /// <summary>Whether he asks for recursion: given back, never done.</summary>
    public bool WantsRecursion { get; private init; }

    /// <summary>The name's labels in lower case, the leftmost first; none is the root.</summary>
    public IReadOnlyList<string> Labels { get; private init; } = [];

    /// <summary>The type that is asked for.</summary>
    public DnsType Type { get; private init; }

    /// <summary>The class that is asked for; only <see cref="Internet"/> is answered.</summary>
    public ushort Class { get; private init; }

    /// <summary>What he can take; null without EDNS.</summary>
    public DnsEdns? Edns { get; private init; }

    /// <summary><see cref="DnsCode.NoError"/> when it can be answered; else what to say instead.</summary>
    public DnsCode Fault { get; private init; }

    /// <summary>The question's bytes, given back as they came (an asker may check the case of the letters).</summary>
    internal ReadOnlyMemory<byte> Question { get; private init; }

    /// <summary>Reads a message. Null when nothing may be said: it is too short to have a number, or is an answer itself (answering answers would go on for ever).</summary>
    public static DnsQuery? Read(ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderBytes) return null;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        if ((flags & ResponseBit) != 0) return null;
        var (id, opcode, recursion) = (BinaryPrimitives.ReadUInt16BigEndian(message), (ushort)(flags & OpcodeMask), (flags & RecursionDesiredBit) != 0);
        if (opcode != 0) return Faulty(id, opcode, recursion, DnsCode.NotImplemented);
        var labels = new List<string>();
        var at = HeaderBytes;
        if (Count(message, 0) != 1 || !DnsNameReader.TryRead(message, ref at, labels) || at + 4 > message.Length) return Faulty(id, opcode, recursion, DnsCode.FormatError);
        var question = message[HeaderBytes..(at + 4)];
        var (type, @class) = ((DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]), BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]));
        at += 4;
        if (!TryReadEdns(message, at, out var edns)) return Faulty(id, opcode, recursion, DnsCode.FormatError);
        return new DnsQuery
        {
            Id = id,
            Opcode = opcode,
            WantsRecursion = recursion,
            Labels = labels,
            Type = type,
            Class = @class,
            Edns = edns,
            Question = question.ToArray(),
            Fault = edns is { Version: > 0 } ? DnsCode.BadVersion : DnsCode.NoError,
        };
    }

    private static DnsQuery Faulty(ushort id, ushort opcode, bool recursion, DnsCode fault) => new() { Id = id, Opcode = opcode, WantsRecursion = recursion, Fault = fault };

    private static int Count(ReadOnlySpan<byte> message, int section) => BinaryPrimitives.ReadUInt16BigEndian(message[(4 + (2 * section))..]);

    /// <summary>Walks the records behind the question. The counts are only believed as far as there are bytes: each record takes eleven.</summary>
    private static bool TryReadEdns(ReadOnlySpan<byte> message, int at, out DnsEdns? edns)
    {
        edns = null;
        var ahead = Count(message, 1) + Count(message, 2);
        var records = ahead + Count(message, 3);
        for (var record = 0; record < records; record++)
        {
            var begin = at;
            if (!DnsNameReader.TryRead(message, ref at, null) || at + 10 > message.Length) return false;
            var fixedPart = message.Slice(at, 10);
            at += 10 + BinaryPrimitives.ReadUInt16BigEndian(fixedPart[8..]);
            if (at > message.Length) return false;
            if ((DnsType)BinaryPrimitives.ReadUInt16BigEndian(fixedPart) != DnsType.Opt) continue;

            // One, in the last section, named root (RFC 6891 6.1.1).
            if (edns is not null || record < ahead || message[begin] != 0) return false;
            edns = new DnsEdns(BinaryPrimitives.ReadUInt16BigEndian(fixedPart[2..]), fixedPart[5], (fixedPart[6] & 0x80) != 0);
        }

        return true;
    }
}
