using System.CommandLine;
using System.Globalization;
using Holdfast.Coordination.Protocol;
using Holdfast.Client;
using Holdfast.Server.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary>A member as <c>holdfast member list</c> shows it.</summary>
internal sealed record MemberRow(string Name, string Id, string Role, string PeerUrls, string ClientUrls);

/// <summary><c>holdfast member list|remove|promote</c>. A node joins by a token (<c>holdfast token</c>), so there is no add.</summary>
internal static class MemberCommand
{
    internal static Command Create()
    {
        var command = new Command("member", "Lists members, removes one, promotes a learner. To add one: holdfast token.");
        var servers = ClientOptions.AddTo(command);
        command.Subcommands.Add(CreateList(servers));
        command.Subcommands.Add(CreateChange("remove", "Takes a member out of the cluster for good, or gives a reserved place up.", servers, async (client, id, cancel) => (await client.MemberRemoveAsync(id, cancel)).Members));
        command.Subcommands.Add(CreateChange("promote", "Makes a learner a voter; every node becomes one by itself when it has caught up, so this mostly says why not yet.", servers, async (client, id, cancel) => (await client.MemberPromoteAsync(id, cancel)).Members));
        return command;
    }

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
            if (members.FirstOrDefault(member => member.Name == wanted || Hex(member.ID) == wanted) is not { } found)
            {
                await Console.Error.WriteLineAsync($"holdfast: no member is called {wanted}; the members are {string.Join(", ", members.Select(member => member.Name.Length > 0 ? member.Name : Hex(member.ID)))}");
                return ExitCode.Failed;
            }

            var left = await change(client, found.ID, cancel);
            Console.WriteLine($"{verb}: done; the members are {string.Join(", ", left.Select(member => member.Name))}");
            return ExitCode.Done;
        }));
        return command;
    }

    private static MemberRow RowOf(Member member) =>
        new(member.Name, Hex(member.ID), member.Name.Length == 0 ? "reserved" : member.IsLearner ? "learner" : "voter", string.Join(',', member.PeerURLs), string.Join(',', member.ClientURLs));

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}
