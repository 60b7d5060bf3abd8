using System.Globalization;
using System.Net;

namespace Holdfast.Coordination.Discovery;

/// <summary>What a name in the zone asks for. All the kinds:</summary>
internal enum ZoneQuestionKind
{
    /// <summary>Another zone: not answered here.</summary>
    Outside,

    /// <summary>The zone itself: its SOA and NS.</summary>
    Apex,

    /// <summary>A name that has only names below it, or nothing to say: no records, and yet it exists.</summary>
    Empty,

    /// <summary>No such name.</summary>
    Unknown,

    /// <summary>The name server's own name.</summary>
    Server,

    /// <summary>An address written as a name (<c>7f000001.addr.holdfast</c>): the target of SRV records.</summary>
    Address,

    /// <summary>The instances of a service.</summary>
    Service,
}

/// <summary>A name, understood.</summary>
/// <param name="Kind">What it asks for.</param>
internal readonly record struct ZoneQuestion(ZoneQuestionKind Kind)
{
    private const string ServiceLabel = "service";
    private const string AddressLabel = "addr";
    private const string ServerLabel = "ns";

    /// <summary>The service's name.</summary>
    public string Service { get; private init; } = "";

    /// <summary>Only instances with this tag; empty for all.</summary>
    public string Tag { get; private init; } = "";

    /// <summary>The address that the name spells.</summary>
    public IPAddress Address { get; private init; } = IPAddress.None;

    /// <summary>Understands <c>NAME.service.ZONE</c>, <c>TAG.NAME.service.ZONE</c>, <c>_NAME._tcp.service.ZONE</c> (RFC 2782; <c>_udp</c> too, or <c>_TAG</c>), <c>HEX.addr.ZONE</c>.</summary>
    /// <param name="labels">The name's labels, in lower case.</param>
    /// <param name="zone">The zone's one label.</param>
    public static ZoneQuestion Of(IReadOnlyList<string> labels, string zone)
    {
        if (labels.Count == 0 || labels[^1] != zone) return new(ZoneQuestionKind.Outside);
        if (labels.Count == 1) return new(ZoneQuestionKind.Apex);
        return (labels[^2], labels.Count) switch
        {
            (ServerLabel, 2) => new(ZoneQuestionKind.Server),
            (ServiceLabel or AddressLabel, 2) => new(ZoneQuestionKind.Empty),
            (AddressLabel, 3) => OfAddress(labels[0]),
            (ServiceLabel, 3) => OfService(labels[0], ""),
            (ServiceLabel, 4) => labels[0].StartsWith('_') && labels[1].StartsWith('_') ? OfService(labels[0][1..], labels[1] is "_tcp" or "_udp" ? "" : labels[1][1..]) : OfService(labels[1], labels[0]),
            _ => new(ZoneQuestionKind.Unknown),
        };
    }

    /// <summary>The label that spells an address.</summary>
    public static string LabelOf(IPAddress address) => Convert.ToHexStringLower(address.GetAddressBytes());

    /// <summary>The whole name that spells an address.</summary>
    public static string NameOf(IPAddress address, string zone) => $"{LabelOf(address)}.{AddressLabel}.{zone}";

    /// <summary>The name server's own name.</summary>
    public static string ServerName(string zone) => $"{ServerLabel}.{zone}";

    private static ZoneQuestion OfAddress(string label)
    {
        if (label.Length is not (8 or 32) || !label.All(char.IsAsciiHexDigit)) return new(ZoneQuestionKind.Unknown);
        var bytes = new byte[label.Length / 2];
        for (var at = 0; at < bytes.Length; at++) bytes[at] = byte.Parse(label.AsSpan(2 * at, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return new(ZoneQuestionKind.Address) { Address = new IPAddress(bytes) };
    }

    /// <summary>A service's name in a key has no slash; bytes above ASCII are not looked for.</summary>
    private static ZoneQuestion OfService(string service, string tag) =>
        service.Length > 0 && service.All(letter => char.IsAscii(letter) && letter is > ' ' and not '/' and not '\u007f')
            ? new(ZoneQuestionKind.Service) { Service = service, Tag = tag }
            : new(ZoneQuestionKind.Unknown);
}
