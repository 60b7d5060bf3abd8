// A replicated map: EmbeddedRaft NAME PEER-PORT HTTP-PORT [URL-OF-A-MEMBER]. Where members are is in the map too: "@id" is "PEER-PORT HTTP-PORT".
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
if (File.Exists(book)) foreach (var peer in File.ReadLines(book)) Learn(peer, isNew: false);
using var listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, peerPort), self, addresses, null, new TransportOptions(), (_, _) => { });
var node = new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = listener });
node.Open();
listener.Start();
var map = new Map(peer => Learn(peer));
var group = await node.CreateGroupAsync(new GroupId(1), map, member is null ? Configuration.OfVoters(self.Id) : Configuration.Empty);
var app = WebApplication.Create(["--urls", $"http://127.0.0.1:{args[2]}"]);
app.MapGet("/get/{key}", async (string key) => await group.ReadAsync(() => map.Pairs.GetValueOrDefault(key)) is { } value ? Results.Text(value) : Results.NotFound());
app.MapPost("/set/{key}/{value}", (string key, string value) => Propose(key, value));
app.MapDelete("/{key}", (string key) => Propose(key, null));
app.MapPost("/join/{id}/{port}/{web}", async (ulong id, int port, int web) =>
{
    await Task.WhenAll(Propose($"@{self.Id.Value}", $"{peerPort} {args[2]}"), Propose($"@{id}", $"{port} {web}"));
    if (group.Status.Leader != self.Id) // Only the leader changes who belongs to the group, and that may be any of them by now.
        return await group.ReadAsync(() => map.Pairs.GetValueOrDefault($"@{group.Status.Leader.Value}")) is { } leader ? Results.Redirect($"http://127.0.0.1:{leader.Split(' ')[1]}/join/{id}/{port}/{web}", preserveMethod: true) : Results.StatusCode(503);
    var (now, next) = (group.Status.Configuration, new NodeId(id)); // A newcomer learns first; it asks again until it has what the leader has, and then it votes.
    var votes = now.MayLead(next) || (await group.FollowersAsync()).Any(place => place.Node == next && place.Match != LogIndex.Zero && place.Match + 64 >= group.Status.Commit);
    Member[] members = [.. now.Members.ToArray().Where(one => one.Node != next), new Member(next, votes ? MemberRole.Voter : MemberRole.Learner)];
    return await group.ChangeMembershipAsync(Configuration.Of(members)) == ChangeVerdict.Begun ? Results.Text($"{self.Id.Value} {peerPort} {args[2]}", statusCode: votes ? 200 : 202) : Results.StatusCode(503);
});
await app.StartAsync();
using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };
for (; member is not null && !group.Status.Configuration.MayLead(self.Id); await Task.Delay(200))
    if (await Task.WhenAny(http.PostAsync($"{member}/join/{self.Id.Value}/{peerPort}/{args[2]}", null)) is { IsCompletedSuccessfully: true, Result: { IsSuccessStatusCode: true } answer }) Learn(await answer.Content.ReadAsStringAsync());
await app.WaitForShutdownAsync();
await node.StopAsync();
void Learn(string peer, bool isNew = true)
{
    var (id, port) = (new NodeId(ulong.Parse(peer.Split(' ')[0])), int.Parse(peer.Split(' ')[1]));
    if (id == self.Id || addresses.TryGet(id, out _)) return;
    addresses.Set(new PeerAddress(id, $"{id}", "127.0.0.1", port));
    if (isNew) lock (addresses) File.AppendAllLines(book, [peer]);
}

async Task<IResult> Propose(string key, string? value)
{
    var outcome = await group.ProposeAsync(JsonSerializer.SerializeToUtf8Bytes(new[] { key, value }), new ProposeOptions { Timeout = TimeSpan.FromSeconds(5) });
    return Results.Text(outcome.IsApplied ? $"{outcome.Position}" : $"{outcome.Status}", statusCode: outcome.IsApplied ? 200 : 503);
}
