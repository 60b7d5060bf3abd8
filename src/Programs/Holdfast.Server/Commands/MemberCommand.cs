using System.CommandLine;
using System.Globalization;
using Holdfast.Coordination.Protocol;
using Holdfast.Client;
using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary>A member as <c>holdfast member list</c> shows it.</summary>
internal sealed record MemberRow(string Name, string Id, string Role, string PeerUrls, string ClientUrls);

/// <summary><c>holdfast member list|add|remove|replace|promote</c>. A node joins by a token, so adding makes one.</summary>
internal static class MemberCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    internal static Command Create()
    {
        var command = new Command("member", "Lists members, adds, removes or replaces one, promotes a learner.");
        var servers = ClientOptions.AddTo(command);
        command.Subcommands.Add(CreateList(servers));
        command.Subcommands.Add(CreateChange("remove", "Takes a member out of the cluster for good, or gives a reserved place up.", servers, async (client, id, cancel) => (await client.MemberRemoveAsync(id, cancel)).Members));
        command.Subcommands.Add(CreateChange("promote", "Makes a learner a voter: one that was added as such by etcd's tools, once it is in sync. Every other node becomes one by itself when it has caught up.", servers, async (client, id, cancel) => (await client.MemberPromoteAsync(id, cancel)).Members));
        command.Subcommands.Add(CreateAdd(servers));
        command.Subcommands.Add(CreateReplace(servers));
        return command;
    }

    private static Command CreateAdd(ClientOptions servers)
    {
        var command = new Command("add", "Makes the token with which one new node may join, and says how to start it. It is added as a learner and becomes a voter by itself when it has caught up.");
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            using var admin = new AdminClient(access.Endpoints[0], access);
            var status = await admin.StatusAsync(cancel);
            var made = await admin.CreateJoinTokenAsync(cancel);
            Report.One(parsed, new Dictionary<string, string> { ["token"] = made.Token }, ReportJson.Readable.DictionaryStringString, made.Token);
            await Console.Error.WriteLineAsync($"good for one node and {made.ExpiresInSeconds / 60} minutes: holdfast server --name NAME --data EMPTY --peer HOST:PORT --join {PeerOf(status)} --token TOKEN");
            return ExitCode.Done;
        }));
        return command;
    }

    /// <summary>A node whose disk or machine is lost comes back under its name with an empty directory: the new incarnation takes every place of the old one in one change, so that no group is ever weaker (S4).</summary>
    private static Command CreateReplace(ClientOptions servers)
    {
        var command = new Command("replace", "Lets a new machine or an empty disk take a lost member's place, under its name: makes the token, says how to start the node, and with --wait waits until it votes.");
        var who = new Argument<string>("member") { Description = "The lost member's name." };
        var wait = new Option<bool>("--wait") { Description = "Waits until the new node has caught up and votes." };
        command.Arguments.Add(who);
        command.Options.Add(wait);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            var name = parsed.GetValue(who)!;
            using var admin = new AdminClient(access.Endpoints[0], access);
            var status = await admin.StatusAsync(cancel);
            if (status.Members.FirstOrDefault(member => member.Name == name) is not { } old) throw new AdminException(404, $"no member is called {name}; the members are {string.Join(", ", status.Members.Select(member => member.Name))}");
            if (old.NodeId == status.NodeId) throw new AdminException(409, $"{name} is the node that was asked: ask another one with --endpoints");
            if (old.IsReachable) throw new AdminException(409, $"{name} runs, and {status.Name} hears from it: stop it first; nothing is replaced that is alive");
            var made = await admin.CreateJoinTokenAsync(cancel);
            Report.One(parsed, new Dictionary<string, string> { ["token"] = made.Token }, ReportJson.Readable.DictionaryStringString, made.Token);
            await Console.Error.WriteLineAsync($"good for {made.ExpiresInSeconds / 60} minutes: holdfast server --name {name} --data EMPTY --peer HOST:PORT --join {PeerOf(status)} --token TOKEN; it takes the places of {name} ({old.NodeId}), which never comes back");
            return parsed.GetValue(wait) ? await UntilReplacedAsync(admin, old, cancel) : ExitCode.Done;
        }));
        return command;
    }

    private static async Task<int> UntilReplacedAsync(AdminClient admin, MemberStatus old, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Look);
        using var progress = new ProgressLine();
        while (await timer.WaitForNextTickAsync(cancel))
        {
            var now = await admin.StatusAsync(cancel);
            if (now.Members.FirstOrDefault(member => member.Name == old.Name && member.NodeId != old.NodeId) is not { } newcomer)
            {
                progress.Show($"{old.Name}: nobody has come with the token yet");
                continue;
            }

            var done = now.Groups.Count(group => group.Voters.Contains(newcomer.NodeId) && !group.Voters.Contains(old.NodeId));
            if (done == now.Groups.Count && now.Members.All(member => member.NodeId != old.NodeId))
            {
                progress.Clear();
                await Console.Error.WriteLineAsync($"{old.Name} is node {newcomer.NodeId} now and votes; node {old.NodeId} is out for good");
                break;
            }

            progress.Show($"{old.Name} is node {newcomer.NodeId} and votes in {done} of {now.Groups.Count} groups{Lacking(now, newcomer)}");
        }

        return ExitCode.Done;
    }

    /// <summary>How far behind it is in the groups that the asked node leads; only a leader knows.</summary>
    private static string Lacking(NodeStatus leader, MemberStatus newcomer)
    {
        var lag = leader.Groups.SelectMany(group => group.Followers).Where(follower => follower.NodeId == newcomer.NodeId).Aggregate(0UL, (sum, follower) => sum + follower.Lag);
        return lag > 0 ? $"; it lacks {lag} entries of those that {leader.Name} leads" : "";
    }

    private static string PeerOf(NodeStatus status) => status.Members.FirstOrDefault(member => member.NodeId == status.NodeId)?.PeerAddress ?? "HOST:PORT";

    private static Command CreateList(ClientOptions servers)
    {
        var list = new Command("list", "The members, and the places that are reserved.");
        var report = Report.AddTo(list);
        list.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            using var client = access.Open();
            var members = (await client.MemberListAsync(cancel)).Members;
            report.Print(parsed, [.. members.Select(RowOf)], ReportJson.Readable.IReadOnlyListMemberRow, ["name", "id", "role", "peers", "clients"], row => [row.Name, row.Id, row.Role, row.PeerUrls, row.ClientUrls]);
            return ExitCode.Done;
        }));
        return list;
    }

    private static Command CreateChange(string verb, string meaning, ClientOptions servers, Func<HoldfastClient, ulong, CancellationToken, Task<IList<Member>>> change)
    {
        var command = new Command(verb, meaning);
        var who = new Argument<string>("member") { Description = "Its name, or its id in hex." };
        command.Arguments.Add(who);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            using var client = access.Open();
            var wanted = parsed.GetValue(who)!;
            var members = (await client.MemberListAsync(cancel)).Members;
            var found = members.FirstOrDefault(member => member.Name == wanted || Hex(member.ID) == wanted);

            // A node is still known by the id of the place that was kept for it, which the list does not show.
            var id = 0UL;
            if (found is null && !ulong.TryParse(wanted, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id))
            {
                var known = members.Select(member => member.Name.Length > 0 ? member.Name : Hex(member.ID));
                return new Failure(ErrorCode.NotFound, $"no member is called {wanted}; the members are {string.Join(", ", known)}").Say(parsed);
            }

            var left = await change(client, found?.ID ?? id, cancel);
            Report.Done(parsed, $"{verb}: done; the members are {string.Join(", ", left.Select(member => member.Name))}");
            return ExitCode.Done;
        }));
        return command;
    }

    private static MemberRow RowOf(Member member) =>
        new(member.Name, Hex(member.ID), member.Name.Length == 0 ? "reserved" : member.IsLearner ? "learner" : "voter", string.Join(',', member.PeerURLs), string.Join(',', member.ClientURLs));

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}
