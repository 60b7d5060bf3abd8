using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Holdfast.Coordination.Tests;

namespace Holdfast.Interop.Tests;

/// <summary>Members through the JSON gateway, to Debian's etcd and to us, each a process with one member: the answers are the same letter for letter, once ids, names and addresses are left out.</summary>
public sealed partial class GatewayMembersTests
{
    /// <summary>OWN and NEW stand for the ids of the member and of the place that the second request reserves; only a learner's, since with another voter that is not there the one would be no majority.</summary>
    private static readonly (string Path, string Json)[] Requests =
    [
        ("list", "{}"),
        ("add", "{\"peerURLs\":[\"http://127.0.0.1:9\"],\"isLearner\":true}"),
        ("add", "{\"peerURLs\":[\"http://127.0.0.1:9\"],\"isLearner\":true}"),
        ("add", "{\"peerURLs\":[\"http://127.0.0.1:19\"],\"isLearner\":true}"),
        ("add", "{\"peerURLs\":[\"nonsense\"]}"),
        ("add", "{\"peerURLs\":[]}"),
        ("add", "{\"peerURLs\":\"http://127.0.0.1:9\"}"),
        ("list", "{}"),
        ("promote", "{\"ID\":\"NEW\"}"),
        ("promote", "{\"ID\":\"OWN\"}"),
        ("promote", "{\"ID\":\"5\"}"),
        ("update", "{\"ID\":\"5\",\"peerURLs\":[\"http://127.0.0.1:29\"]}"),
        ("remove", "{\"ID\":\"5\"}"),
        ("remove", "{\"ID\":NEW}"),
        ("list", "{}"),
        ("update", "{\"ID\":\"OWN\",\"peerURLs\":[\"http://127.0.0.1:39\"]}"),
        ("list", "{}"),
    ];

    [Fact]
    public async Task Members_are_listed_added_changed_promoted_and_removed_in_the_same_words()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var ours = new EtcdFlagCluster();
        await ours.StartAsync(0, ours.InitialCluster(1));
        string[][] both = await Task.WhenAll(AnswersAsync(etcd.Url), AnswersAsync(ours.Client(0)));
        var complaints = Requests.Select((request, at) => both[0][at] == both[1][at] ? "" : $"{request.Path} {request.Json}\n  etcd: {both[0][at]}\n  us:   {both[1][at]}").Where(static complaint => complaint.Length > 0).ToArray();
        Assert.True(complaints.Length == 0, string.Join('\n', complaints));
    }

    /// <summary>As etcd's own tests ask for it. (3.4 forgets of a learner whose address is changed that it is one, so it is not compared.)</summary>
    [Fact]
    public async Task A_member_that_has_not_come_is_asked_for_at_another_address_under_its_id()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        using var http = new HttpClient();
        async Task<string> AskAsync(string path, string json)
        {
            using var response = await http.PostAsync($"{cluster.Client(0)}/v3/cluster/member/{path}", new StringContent(json));
            return await response.Content.ReadAsStringAsync();
        }

        var added = JsonDocument.Parse(await AskAsync("add", "{\"peerURLs\":[\"http://127.0.0.1:9\"],\"isLearner\":true}")).RootElement.GetProperty("member").GetProperty("ID").GetString();
        var moved = $"{{\"ID\":\"{added}\",\"peerURLs\":[\"http://127.0.0.1:49\"],\"isLearner\":true}}";
        Assert.Contains(moved, await AskAsync("update", $"{{\"ID\":\"{added}\",\"peerURLs\":[\"http://127.0.0.1:49\"]}}"), StringComparison.Ordinal);
        Assert.Contains("etcdserver: Peer URLs already exists", await AskAsync("update", $"{{\"ID\":\"{added}\",\"peerURLs\":[\"{cluster.Peer(0)}\"]}}"), StringComparison.Ordinal);
        Assert.Contains("etcdserver: can only promote a learner member which is in sync with leader", await AskAsync("promote", $"{{\"ID\":\"{added}\"}}"), StringComparison.Ordinal);
        Assert.Contains(moved, await AskAsync("list", "{}"), StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.0.1:49", await AskAsync("remove", $"{{\"ID\":\"{added}\"}}"), StringComparison.Ordinal);
        Assert.Single(JsonDocument.Parse(await AskAsync("list", "{\"linearizable\":true}")).RootElement.GetProperty("members").EnumerateArray());
    }

    private static async Task<string[]> AnswersAsync(string url)
    {
        using var http = new HttpClient();
        var (own, added) = ("", "");
        var answers = new List<string>();
        var second = 0L;
        foreach (var (path, json) in Requests)
        {
            // etcd makes a member's id of its addresses and the second: the same addresses again within one are told to be a member that exists, later ones are addresses that are taken.
            while (path == "add" && DateTimeOffset.UtcNow.ToUnixTimeSeconds() == second) await Task.Delay(20);
            second = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            using var response = await http.PostAsync($"{url}/v3/cluster/member/{path}", new StringContent(json.Replace("NEW", added, StringComparison.Ordinal).Replace("OWN", own, StringComparison.Ordinal)));
            var body = await response.Content.ReadAsStringAsync();
            if (own.Length == 0) own = JsonDocument.Parse(body).RootElement.GetProperty("members")[0].GetProperty("ID").GetString()!;
            AssertSortedById(body);
            if (path == "add" && added.Length == 0) added = JsonDocument.Parse(body).RootElement.GetProperty("member").GetProperty("ID").GetString()!;

            // FAILED_PRECONDITION is 412 in 3.4 and 400 in 3.6.
            var status = (int)response.StatusCode is 412 ? 400 : (int)response.StatusCode;
            answers.Add(string.Create(CultureInfo.InvariantCulture, $"{status} {Shown(body)}"));
        }

        return [.. answers];
    }

    private static void AssertSortedById(string body)
    {
        if (!JsonDocument.Parse(body).RootElement.TryGetProperty("members", out var members)) return;
        var ids = members.EnumerateArray().Select(static member => ulong.Parse(member.GetProperty("ID").GetString()!, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(ids.Order(), ids);
    }

    /// <summary>Without what differs by its nature. Ids decide the order: the member that has not come is put last.</summary>
    private static string Shown(string body)
    {
        const string place = "{\"ID\":\"?\",\"peerURLs\":[\"http://127.0.0.1:9\"],\"isLearner\":true}";
        var shown = Addresses().Replace(Ids().Replace(body.TrimEnd('\n'), "\"$1\":\"?\""), "http://?");
        return shown.Contains($"[{place},", StringComparison.Ordinal) ? $"{shown.Replace($"[{place},", "[", StringComparison.Ordinal)[..^2]},{place}]}}" : shown;
    }

    [GeneratedRegex("\"(cluster_id|member_id|raft_term|ID|name)\":\"[^\"]+\"")]
    private static partial Regex Ids();

    [GeneratedRegex("http://(127.0.0.1|localhost):[0-9]{4,}")]
    private static partial Regex Addresses();
}
