using System.Net;
using System.Text;
using Holdfast.Coordination.Discovery;
using Holdfast.Wire.Dns;

namespace Holdfast.Coordination.Tests;

/// <summary>The zone of the service registry (R1.4): every kind of name, and what is told of instances.</summary>
public sealed class ServiceZoneTests
{
    private static readonly ServiceZone Zone = new(IPAddress.Parse("10.9.9.9"));

    private static readonly RegisteredInstance[] Web =
    [
        new("10.0.0.1", 80, true, ["v1"]),
        new("10.0.0.2", 81, true, ["V2", "canary"]),
        new("10.0.0.3", 82, false, ["v2"]),
        new("fe80::1", 83, true, []),
        new("web.example", 84, true, []),
    ];

    [Theory]
    [InlineData("web.service.holdfast", "A", "NoError A=10.0.0.1 A=10.0.0.2")]
    [InlineData("web.service.holdfast", "Aaaa", "NoError Aaaa=fe80::1")]
    [InlineData("web.service.holdfast", "Any", "NoError A=10.0.0.1 A=10.0.0.2 Aaaa=fe80::1")]
    [InlineData("web.service.holdfast", "Ns", "NoError soa")]
    [InlineData("v2.web.service.holdfast", "A", "NoError A=10.0.0.2")]
    [InlineData("v3.web.service.holdfast", "A", "NameError soa")]
    [InlineData("_web._tcp.service.holdfast", "Srv", "NoError Srv=1/1/80/0a000001.addr.holdfast Srv=1/1/81/0a000002.addr.holdfast Srv=1/1/83/fe800000000000000000000000000001.addr.holdfast Srv=1/1/84/web.example")]
    [InlineData("_web._canary.service.holdfast", "Srv", "NoError Srv=1/1/81/0a000002.addr.holdfast")]
    [InlineData("_web._udp.service.holdfast", "A", "NoError A=10.0.0.1 A=10.0.0.2")]
    [InlineData("0a000001.addr.holdfast", "A", "NoError A=10.0.0.1")]
    [InlineData("0a000001.addr.holdfast", "Aaaa", "NoError soa")]
    [InlineData("fe800000000000000000000000000001.addr.holdfast", "Aaaa", "NoError Aaaa=fe80::1")]
    [InlineData("0a00000x.addr.holdfast", "A", "NameError soa")]
    [InlineData("0a0000.addr.holdfast", "A", "NameError soa")]
    [InlineData("holdfast", "Soa", "NoError Soa=ns.holdfast")]
    [InlineData("holdfast", "Ns", "NoError Ns=ns.holdfast")]
    [InlineData("holdfast", "A", "NoError soa")]
    [InlineData("ns.holdfast", "A", "NoError A=10.9.9.9")]
    [InlineData("service.holdfast", "A", "NoError soa")]
    [InlineData("nothing.holdfast", "A", "NameError soa")]
    [InlineData("a.b.c.service.holdfast", "A", "NameError soa")]
    [InlineData("example.com", "A", "Refused")]
    [InlineData("holdfast.example", "A", "Refused")]
    [InlineData("", "Ns", "Refused")]
    public void Every_kind_of_name_has_its_answer(string name, string type, string wanted) => Assert.Equal(wanted, Show(Ask(name, Enum.Parse<DnsType>(type), Web)));

    [Fact]
    public void Who_is_not_there_has_no_name_and_who_is_ill_has_no_address()
    {
        Assert.Equal("NameError soa", Show(Ask("web.service.holdfast", DnsType.A, [])));
        Assert.Equal("NoError soa", Show(Ask("web.service.holdfast", DnsType.A, [new("10.0.0.3", 82, false, [])])));
        Assert.Equal("NoError soa", Show(Ask("web.service.holdfast", DnsType.Srv, [new("10.0.0.3", 82, false, [])])));
    }

    /// <summary>A name has one alias at most, and none beside addresses (RFC 1034 3.6.2).</summary>
    [Fact]
    public void A_host_name_is_an_alias_only_where_there_are_no_addresses()
    {
        RegisteredInstance[] named = [new("one.example.", 80, true, []), new("two.example", 80, true, [])];
        Assert.Equal("NoError Cname=one.example", Show(Ask("web.service.holdfast", DnsType.A, named)));
        Assert.Equal("NoError soa", Show(Ask("web.service.holdfast", DnsType.Aaaa, [new("10.0.0.1", 80, true, []), .. named])));
        Assert.Equal("NoError soa", Show(Ask("web.service.holdfast", DnsType.A, [new("no host name", 80, true, [])])));
        Assert.Equal("NoError soa", Show(Ask("web.service.holdfast", DnsType.Srv, [new(new string('a', 64) + ".example", 80, true, [])])));
    }

    [Fact]
    public void Instances_come_first_in_turn_and_not_more_than_the_bound()
    {
        var many = Enumerable.Range(0, 100).Select(at => new RegisteredInstance($"10.0.1.{at}", 80, true, [])).ToArray();
        var first = new HashSet<string>();
        for (uint turn = 0; turn < 100; turn++)
        {
            var reply = Ask("web.service.holdfast", DnsType.A, many, turn);
            Assert.Equal(ServiceZone.InstancesMax, reply.Answers.Count);
            first.Add(((DnsData.Address)reply.Answers[0].Data).Value.ToString());
        }

        Assert.Equal(100, first.Count);
    }

    [Fact]
    public void Another_class_is_refused() => Assert.Equal("Refused", Show(Zone.Answer(Query("web.service.holdfast", DnsType.A, @class: 3), Web, 0)));

    [Theory]
    [InlineData("""{"id":"a","address":"10.0.0.1","port":80}""", true)]
    [InlineData("""{"id":"a","address":"10.0.0.1","port":80,"health":"passing","tags":["x",7,null]}""", true)]
    [InlineData("""{"address":"10.0.0.1","port":0}""", false)]
    [InlineData("""{"address":"10.0.0.1","port":65536}""", false)]
    [InlineData("""{"address":"10.0.0.1","port":-1}""", false)]
    [InlineData("""{"address":"10.0.0.1","port":"80"}""", false)]
    [InlineData("""{"address":"","port":80}""", false)]
    [InlineData("""{"address":null,"port":80}""", false)]
    [InlineData("""{"address":"\ud800","port":80}""", false)]
    [InlineData("[]", false)]
    [InlineData("junk", false)]
    [InlineData("", false)]
    [InlineData("[[[[[[[[[[[[[[]]]]]]]]]]]]]]", false)]
    public void Nothing_that_stands_in_a_key_is_believed(string json, bool isInstance) => Assert.Equal(isInstance, RegisteredInstance.TryParse(Encoding.UTF8.GetBytes(json)) is not null);

    private static DnsReply Ask(string name, DnsType type, RegisteredInstance[] entries, uint turn = 0) => Zone.Answer(Query(name, type), entries, turn);

    private static DnsQuery Query(string name, DnsType type, ushort @class = 1)
    {
        var bytes = new List<byte> { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries)) bytes.AddRange([(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]);
        bytes.AddRange([0, (byte)((ushort)type >> 8), (byte)type, (byte)(@class >> 8), (byte)@class]);
        return DnsQuery.Read(bytes.ToArray())!;
    }

    private static string Show(DnsReply reply) => string.Join(' ', [reply.Code.ToString(), .. reply.Answers.Select(record => $"{record.Data.Type}={Show(record.Data)}"), .. reply.Authorities.Select(_ => "soa")]);

    private static string Show(DnsData data) => data switch
    {
        DnsData.Address address => address.Value.ToString(),
        DnsData.Service service => $"{service.Priority}/{service.Weight}/{service.Port}/{service.Target}",
        DnsData.Name name => name.Target,
        DnsData.Authority soa => soa.Server,
        _ => "?",
    };
}
