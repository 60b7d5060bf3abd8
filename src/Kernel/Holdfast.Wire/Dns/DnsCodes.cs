namespace Holdfast.Wire.Dns;

/// <summary>The record types that are answered or recognised (RFC 1035 3.2.2, RFC 3596, RFC 2782, RFC 6891).</summary>
public enum DnsType : ushort
{
    /// <summary>An IPv4 address.</summary>
    A = 1,

    /// <summary>A name server of a zone.</summary>
    Ns = 2,

    /// <summary>Another name for this one.</summary>
    Cname = 5,

    /// <summary>Where a zone begins; in negative answers, for how long they hold.</summary>
    Soa = 6,

    /// <summary>An IPv6 address.</summary>
    Aaaa = 28,

    /// <summary>Host and port of a service.</summary>
    Srv = 33,

    /// <summary>EDNS: what the asker can take. Never data.</summary>
    Opt = 41,

    /// <summary>A question for whatever there is.</summary>
    Any = 255,
}

/// <summary>How a question ended (RFC 1035 4.1.1; BADVERS: RFC 6891 9).</summary>
public enum DnsCode : ushort
{
    /// <summary>Answered; perhaps with nothing of the type that was asked for.</summary>
    NoError = 0,

    /// <summary>The message cannot be read.</summary>
    FormatError = 1,

    /// <summary>It could not be found out just now.</summary>
    ServerFailure = 2,

    /// <summary>There is no such name.</summary>
    NameError = 3,

    /// <summary>A kind of request that is not offered.</summary>
    NotImplemented = 4,

    /// <summary>Not answered here: another zone, another class, or nobody may ask.</summary>
    Refused = 5,

    /// <summary>An EDNS version that is not known.</summary>
    BadVersion = 16,
}
