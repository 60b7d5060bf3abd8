using System.CommandLine;
using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Client;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast token</c> and <c>holdfast leave</c>: how a cluster grows and shrinks.</summary>
internal static class MembershipCommands
{
    internal static Command CreateToken()
    {
        var command = new Command("token", "Makes a token with which one node may join: holdfast server --join HOST:PEERPORT --token TOKEN.");
        var servers = ClientOptions.AddTo(command);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, access => AskAsync(access, async admin =>
        {
            var made = await admin.CreateJoinTokenAsync(cancel);
            Report.One(parsed, new Dictionary<string, string> { ["token"] = made.Token }, ReportJson.Readable.DictionaryStringString, made.Token);
            await Console.Error.WriteLineAsync($"good for one node and {made.ExpiresInSeconds / 60} minutes");
        })));
        return command;
    }

    internal static Command CreateLeave()
    {
        var command = new Command("leave", "Takes a node out of the cluster for good; without a name, the node that is asked.");
        var node = new Argument<string>("node") { Description = "Name or id of the node.", DefaultValueFactory = _ => "" };
        command.Arguments.Add(node);
        var servers = ClientOptions.AddTo(command);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, access => AskAsync(access, async admin =>
        {
            await admin.LeaveAsync(new LeaveRequest(parsed.GetValue(node) ?? ""), cancel);
            Report.Done(parsed, "the removal has begun; the node is out when it is no longer in the member list");
        })));
        return command;
    }

    private static async Task<int> AskAsync(ClientAccess access, Func<AdminClient, Task> ask)
    {
        using var admin = new AdminClient(access.Endpoints[0], access);
        await ask(admin);
        return 0;
    }
}
