// A replicated map: EmbeddedRaft NAME PEER-PORT HTTP-PORT [URL-OF-A-MEMBER]. Addresses of members are in the map too, under "@id".
using System.Net;
using System.Text.Json;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

var (name, peerPort, member) = (args[0], int.Parse(args[1]), args.ElementAtOrDefault(3));
using var data = DataDirectory.Open($"./{name}-data", name);
data.JoinCluster(new ClusterId(0x5A3));
var self = new LocalNode(data.Node, (uint)data.BootCount, 1, data.Cluster);
var (addresses, book) = (new PeerAddresses(), $"./{name}-data/peers");
if (File.Exists(book)) foreach (var line in File.ReadLines(book)) Learn(line.Split(' '));
using var listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, peerPort), self, addresses, null, new TransportOptions(), (_, _) => { });
var node = new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = listener });
node.Open();
listener.Start();
var map = new Map((id, port) => { if (Learn([id, port])) File.AppendAllLines(book, [$"{id} {port}"]); });
var group = await node.CreateGroupAsync(new GroupId(1), map, member is null ? Configuration.OfVoters(self.Id) : Configuration.Empty);

var app = WebApplication.Create();
app.Urls.Add($"http://127.0.0.1:{args[2]}");
app.MapGet("/get/{key}", async (string key) => await group.ReadAsync(() => map.Pairs.GetValueOrDefault(key)) is { } value ? Results.Text(value) : Results.NotFound());
app.MapPost("/set/{key}/{value}", (string key, string value) => Propose(key, value));
app.MapDelete("/{key}", (string key) => Propose(key, null));
app.MapPost("/join/{id}/{port}", async (ulong id, int port) =>
{
    await Propose($"@{self.Id.Value}", $"{peerPort}");
    await Propose($"@{id}", $"{port}");
    Member[] members = [.. group.Status.Configuration.Members, new Member(new NodeId(id), MemberRole.Voter)];
    return await group.ChangeMembershipAsync(Configuration.Of(members)) == ChangeVerdict.Begun ? Results.Text($"{self.Id.Value} {peerPort}") : Results.StatusCode(503);
});
await app.StartAsync();
using var http = new HttpClient();
for (; member is not null && data.IsNew && group.Status.Configuration.Members.Length == 0; await Task.Delay(200))
    if (await http.PostAsync($"{member}/join/{self.Id.Value}/{peerPort}", null) is { IsSuccessStatusCode: true } answer) Learn((await answer.Content.ReadAsStringAsync()).Split(' '));
await app.WaitForShutdownAsync();
await node.StopAsync();

bool Learn(string[] peer)
{
    var id = new NodeId(ulong.Parse(peer[0]));
    if (id == self.Id || addresses.TryGet(id, out _)) return false;
    addresses.Set(new PeerAddress(id, peer[0], "127.0.0.1", int.Parse(peer[1])));
    return true;
}

async Task<IResult> Propose(string key, string? value)
{
    var outcome = await group.ProposeAsync(JsonSerializer.SerializeToUtf8Bytes(new[] { key, value }), new ProposeOptions { Timeout = TimeSpan.FromSeconds(5) });
    return Results.Text(outcome.IsApplied ? $"{outcome.Position}" : $"{outcome.Status}", statusCode: outcome.IsApplied ? 200 : 503);
}
