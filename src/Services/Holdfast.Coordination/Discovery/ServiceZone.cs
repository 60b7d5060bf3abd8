using System.Net;
using Holdfast.Wire.Dns;

namespace Holdfast.Coordination.Discovery;

/// <summary>
/// The zone of the service registry (R1.4): what a name asks for, and the answer to it from the registry's entries. Pure: the endpoint reads the entries and says where to begin among them.
/// Only healthy instances are told, at most <see cref="InstancesMax"/> of them, in turn, for a few seconds.
/// </summary>
internal sealed class ServiceZone
{
    /// <summary>The zone: a top-level name that nobody else has.</summary>
    public const string Name = "holdfast";

    /// <summary>Instances in one answer. An answer by UDP holds about so many addresses; the next question begins at another one.</summary>
    public const int InstancesMax = 64;

    /// <summary>For how many seconds an answer may be kept.</summary>
    public const uint Ttl = 5;

    /// <summary>For how many seconds "there is no such thing" may be kept: a service that is just starting is soon found.</summary>
    private const uint NegativeTtl = 1;

    private static readonly DnsRecord Soa = new(Name, NegativeTtl, new DnsData.Authority(ZoneQuestion.ServerName(Name), $"hostmaster.{Name}", 1, 3600, 600, 86_400, NegativeTtl));
    private readonly IPAddress server;

    /// <summary>The zone as served at an address; an address that says "all" is not told.</summary>
    public ServiceZone(IPAddress server) => this.server = server;

    /// <summary>What the query asks for; its entries are needed when it is a service.</summary>
    public static ZoneQuestion Question(DnsQuery query) => ZoneQuestion.Of(query.Labels, Name);

    /// <summary>The answer.</summary>
    /// <param name="query">What was asked.</param>
    /// <param name="entries">The service's entries, whole; empty for other questions.</param>
    /// <param name="turn">Rises with every question, so that all instances come first in turn.</param>
    public DnsReply Answer(DnsQuery query, IReadOnlyList<RegisteredInstance> entries, uint turn)
    {
        if (query.Fault != DnsCode.NoError) return new DnsReply { Code = query.Fault };
        if (query.Class != DnsQuery.Internet) return new DnsReply { Code = DnsCode.Refused };
        var question = Question(query);
        return question.Kind switch
        {
            ZoneQuestionKind.Outside => new DnsReply { Code = DnsCode.Refused },
            ZoneQuestionKind.Apex => Found(query, [.. Apex(query.Type)]),
            ZoneQuestionKind.Server => Found(query, [.. Addresses(query.Type, [server])]),
            ZoneQuestionKind.Address => Found(query, [.. Addresses(query.Type, [question.Address])]),
            ZoneQuestionKind.Service => Service(query, question, entries, turn),
            ZoneQuestionKind.Empty => Found(query, []),
            _ => Negative(DnsCode.NameError),
        };
    }

    private static DnsReply Found(DnsQuery query, IReadOnlyList<DnsRecord> records, IReadOnlyList<DnsRecord>? additional = null) => records.Count == 0
        ? Negative(DnsCode.NoError)
        : new DnsReply { Code = DnsCode.NoError, IsAuthoritative = true, Answers = records, Additional = additional ?? [] };

    private static DnsReply Negative(DnsCode code) => new() { Code = code, IsAuthoritative = true, Authorities = [Soa] };

    private static IEnumerable<DnsRecord> Apex(DnsType type)
    {
        if (type is DnsType.Soa or DnsType.Any) yield return Soa with { Owner = null };
        if (type is DnsType.Ns or DnsType.Any) yield return new DnsRecord(null, Ttl, new DnsData.Name(DnsType.Ns, ZoneQuestion.ServerName(Name)));
    }

    /// <summary>Records of the wanted family; for ANY a subset is enough (RFC 8482).</summary>
    private static IEnumerable<DnsRecord> Addresses(DnsType wanted, IEnumerable<IPAddress> addresses, string? owner = null) =>
        from address in addresses
        where !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
        let data = new DnsData.Address(address)
        where wanted == DnsType.Any || wanted == data.Type
        select new DnsRecord(owner, Ttl, data);

    private static DnsReply Service(DnsQuery query, ZoneQuestion question, IReadOnlyList<RegisteredInstance> entries, uint turn)
    {
        var named = entries.Where(entry => question.Tag.Length == 0 || entry.Tags.Contains(question.Tag, StringComparer.OrdinalIgnoreCase)).ToList();
        if (named.Count == 0) return Negative(DnsCode.NameError);
        var healthy = InTurn([.. named.Where(entry => entry.IsHealthy)], turn);
        if (query.Type == DnsType.Srv) return Found(query, [.. healthy.Select(ServiceRecord).OfType<DnsRecord>()], [.. Addresses(DnsType.Any, healthy)]);
        var addresses = healthy.Select(entry => entry.Address).Distinct(StringComparer.Ordinal).Select(Parsed).OfType<IPAddress>();
        var records = Addresses(query.Type, addresses).ToList();
        if (records.Count > 0 || query.Type is not (DnsType.A or DnsType.Aaaa or DnsType.Cname or DnsType.Any)) return Found(query, records);

        // A host name is an alias, and a name has one at most: it is told only where there is no address to tell.
        var host = healthy.All(entry => Parsed(entry.Address) is null) ? healthy.Select(entry => entry.Address).FirstOrDefault(IsHostName) : null;
        return Found(query, host is null ? [] : [new DnsRecord(null, Ttl, new DnsData.Name(DnsType.Cname, host.TrimEnd('.')))]);
    }

    private static List<RegisteredInstance> InTurn(List<RegisteredInstance> healthy, uint turn)
    {
        var first = healthy.Count == 0 ? 0 : (int)(turn % (uint)healthy.Count);
        return [.. healthy.Skip(first).Concat(healthy.Take(first)).Take(InstancesMax)];
    }

    private static DnsRecord? ServiceRecord(RegisteredInstance entry)
    {
        var target = Parsed(entry.Address) is { } address ? ZoneQuestion.NameOf(address, Name) : IsHostName(entry.Address) ? entry.Address.TrimEnd('.') : null;
        return target is null ? null : new DnsRecord(null, Ttl, new DnsData.Service(1, 1, entry.Port, target));
    }

    /// <summary>What SRV targets of ours resolve to: each once.</summary>
    private static IEnumerable<DnsRecord> Addresses(DnsType wanted, List<RegisteredInstance> healthy) =>
        healthy.Select(entry => Parsed(entry.Address)).OfType<IPAddress>().Distinct().SelectMany(address => Addresses(wanted, [address], ZoneQuestion.NameOf(address, Name)));

    /// <summary>An address in full: not the short forms that <see cref="IPAddress.Parse(string)"/> takes for numbers.</summary>
    private static IPAddress? Parsed(string text) => (text.Contains(':', StringComparison.Ordinal) || text.Count(letter => letter == '.') == 3) && IPAddress.TryParse(text, out var address) ? address : null;

    private static bool IsHostName(string text)
    {
        var name = text.TrimEnd('.');
        return name.Length is > 0 and <= 253 && Array.TrueForAll(name.Split('.'), label => label.Length is > 0 and <= 63 && label.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_'));
    }
}
