using System.Text;
using System.Text.RegularExpressions;
using Holdfast.Coordination.Tests.Endpoints;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests.Fuzz;

/// <summary>JSON of every kind of damage to the gateways of Debian's etcd and of us: both take it or both refuse it, and what is answered is the same.</summary>
public sealed partial class GatewayFuzzTests
{
    /// <summary>What a client writes, and beside it what it should not have written: each is tried with each.</summary>
    private static readonly string[] Values =
    [
        "\"YQ==\"", "\"\"", "\"YQ\"", "\"YQ=\"", "\"Y*==\"", "\"-_8=\"", "\"/+8=\"", "5", "\"5\"", "-1", "\"-1\"", "1.5", "\"1.5\"", "1e2", "\"1e2\"", "99999999999999999999", "\"99999999999999999999\"",
        "9223372036854775807", "\"-9223372036854775808\"", "\" 5\"", "\"five\"", "true", "\"true\"", "false", "null", "[]", "[null]", "{}", "\"DESCEND\"", "\"descend\"", "2", "77", "\"\\u0059Q==\"",
    ];

    private static readonly string[] Names = ["key", "range_end", "rangeEnd", "limit", "revision", "sort_order", "sortTarget", "serializable", "keys_only", "nonsense", "Key"];

    /// <summary>
    /// Where etcd 3.4 is no judge. It ends its process over a sort target that has no name, and takes an order that has none; it takes an array for bytes and a blank before a number in a string;
    /// and it wants base64 in the common alphabet and padded, where 3.6 and we take either.
    /// </summary>
    private static bool IsOf36Alone(string name, string value) => name switch
    {
        "sortTarget" or "sort_order" => value is "5" or "-1" or "77",
        "key" or "range_end" or "rangeEnd" => value is "[]" or "[null]" or "\"YQ\"" or "\"-_8=\"" or "\"-9223372036854775808\"" or "\"-1\"" or "\"1e2\"" or "\"DESCEND\"" or "\"descend\"",
        "limit" or "revision" => value is "\" 5\"",
        _ => false,
    };

    [Fact]
    public async Task Gateways_take_and_refuse_the_same_values_in_the_same_fields()
    {
        await using var pair = await GatewayPair.StartAsync();
        foreach (var name in Names)
            foreach (var value in Values.Where(value => !IsOf36Alone(name, value))) await pair.TryAsync("/v3/kv/range", name == "key" ? $"{{\"key\":{value}}}" : $"{{\"key\":\"YQ==\",\"{name}\":{value}}}");
        foreach (var text in (string[])["", " ", "{", "}", "{}", "{}{}", "{} trailing", "[]", "null", "5", "\"a\"", "{\"key\"", "{\"key\":", "{\"key\":\"", "{\"key\":\"YQ==\"", "{\"key\":\"YQ==\",}", "{'key':'YQ=='}", "{\"key\":\"YQ==\",\"key\":\"Yg==\"}", "\u00ef\u00bb\u00bf{}"])
            await pair.TryAsync("/v3/kv/range", text);
        pair.AssertAlike(330);
    }

    [Theory]
    [InlineData(1)]
    public async Task Gateways_take_and_refuse_the_same_damaged_requests(ulong seed)
    {
        await using var pair = await GatewayPair.StartAsync();
        var dice = new SeededRandom(seed);
        string[] whole =
        [
            "{\"key\":\"YQ==\",\"value\":\"Mg==\",\"prev_kv\":true}", "{\"key\":\"YQ==\",\"range_end\":\"eg==\",\"limit\":\"3\",\"sort_order\":\"DESCEND\",\"sort_target\":\"KEY\"}",
            "{\"compare\":[{\"result\":\"EQUAL\",\"target\":\"VALUE\",\"key\":\"YQ==\",\"value\":\"Mg==\"}],\"success\":[{\"requestPut\":{\"key\":\"Yw==\",\"value\":\"Mw==\"}},{\"request_range\":{\"key\":\"YQ==\"}}]}",
        ];
        string[] paths = ["/v3/kv/put", "/v3/kv/range", "/v3/kv/txn"];
        for (var round = 0; round < 600; round++)
        {
            var which = dice.Next(whole.Length);
            var bytes = Encoding.UTF8.GetBytes(whole[which]);
            var damaged = round < 200 ? bytes[..dice.Next(bytes.Length)] : DamagedBytes.Of(bytes, dice);
            await pair.TryAsync(paths[which], Encoding.Latin1.GetString(damaged));
        }

        pair.AssertAlike(600);
    }

    /// <summary>The two gateways, over keyspaces with the same content.</summary>
    private sealed partial class GatewayPair : IAsyncDisposable
    {
        private readonly EtcdProcess etcd;
        private readonly LocalKeyspace keyspace;
        private readonly OpenDoor door;
        private readonly HttpClient http = new();
        private readonly List<string> complaints = [];
        private int tried;

        private GatewayPair(EtcdProcess etcd, LocalKeyspace keyspace, OpenDoor door) => (this.etcd, this.keyspace, this.door) = (etcd, keyspace, door);

        public static async Task<GatewayPair> StartAsync()
        {
            var keyspace = new LocalKeyspace();
            return new GatewayPair(await EtcdProcess.StartAsync(), keyspace, await OpenDoor.OnAsync(keyspace.Face));
        }

        public async Task TryAsync(string path, string latin1)
        {
            tried++;
            var body = Encoding.Latin1.GetBytes(latin1);
            var (left, right) = (await PostAsync(etcd.Url + path, body), await PostAsync(door.Url + path, body));
            if (left.IsTaken != right.IsTaken || (left.IsTaken && left.Said != right.Said)) complaints.Add($"{path} {latin1}\n  etcd {left.Said}\n    we {right.Said}");
        }

        public void AssertAlike(int triedMin)
        {
            Assert.True(complaints.Count == 0, string.Join('\n', complaints.Prepend($"{complaints.Count} of {tried} differ")));
            Assert.True(tried >= triedMin, $"only {tried} were tried");
        }

        public async ValueTask DisposeAsync()
        {
            http.Dispose();
            await door.DisposeAsync();
            await keyspace.DisposeAsync();
            await etcd.DisposeAsync();
        }

        private async Task<(bool IsTaken, string Said)> PostAsync(string url, byte[] body)
        {
            try
            {
                using var response = await http.PostAsync(url, new ByteArrayContent(body));
                return (response.IsSuccessStatusCode, $"{(response.IsSuccessStatusCode ? 200 : (int)response.StatusCode)} {Shown(await response.Content.ReadAsStringAsync())}");
            }
            catch (HttpRequestException)
            {
                return (false, "closed the connection");
            }
        }

        private static string Shown(string body) => Ids().Replace(body.TrimEnd('\n'), "\"$1\":\"?\"");

        [GeneratedRegex("\"(cluster_id|member_id|raft_term)\":\"[0-9]+\"")]
        private static partial Regex Ids();
    }
}
