using System.Net;

namespace Holdfast.Wire.Dns;

/// <summary>What a record says; each kind knows its own fields. Names are labels with dots between, without the root's dot, each label 1 to 63 bytes of ASCII.</summary>
public abstract record DnsData
{
    private DnsData()
    {
    }

    /// <summary>The record's type.</summary>
    public abstract DnsType Type { get; }

    /// <summary>A or AAAA, as the address's family is.</summary>
    public sealed record Address(IPAddress Value) : DnsData
    {
        /// <inheritdoc/>
        public override DnsType Type => Value.GetAddressBytes().Length == 16 ? DnsType.Aaaa : DnsType.A;
    }

    /// <summary>SRV (RFC 2782).</summary>
    public sealed record Service(ushort Priority, ushort Weight, ushort Port, string Target) : DnsData
    {
        /// <inheritdoc/>
        public override DnsType Type => DnsType.Srv;
    }

    /// <summary>NS or CNAME.</summary>
    public sealed record Name(DnsType Kind, string Target) : DnsData
    {
        /// <inheritdoc/>
        public override DnsType Type => Kind;
    }

    /// <summary>SOA; the last number is for how long a negative answer holds, in seconds (RFC 2308).</summary>
    public sealed record Authority(string Server, string Mailbox, uint Serial, uint Refresh, uint Retry, uint Expire, uint NegativeTtl) : DnsData
    {
        /// <inheritdoc/>
        public override DnsType Type => DnsType.Soa;
    }
}

/// <summary>A record of an answer.</summary>
/// <param name="Owner">Whose it is; null is the name that was asked for, in the asker's own spelling.</param>
/// <param name="Ttl">For how many seconds it may be kept.</param>
/// <param name="Data">What it says.</param>
public sealed record DnsRecord(string? Owner, uint Ttl, DnsData Data);

/// <summary>An answer, before it is bytes.</summary>
public sealed record DnsReply
{
    /// <summary>How it ended.</summary>
    public required DnsCode Code { get; init; }

    /// <summary>Whether it comes from whom the zone belongs to.</summary>
    public bool IsAuthoritative { get; init; }

    /// <summary>What was asked for.</summary>
    public IReadOnlyList<DnsRecord> Answers { get; init; } = [];

    /// <summary>In negative answers, the zone's SOA.</summary>
    public IReadOnlyList<DnsRecord> Authorities { get; init; } = [];

    /// <summary>What the asker will want to know next; left out where there is no room.</summary>
    public IReadOnlyList<DnsRecord> Additional { get; init; } = [];
}
