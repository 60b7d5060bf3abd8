using System.CommandLine;
using Grpc.Core;
using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary>Where a client verb looks for servers, and who it says it is: flags as etcdctl's, else <c>HOLDFAST_*</c> variables.</summary>
internal sealed class ClientOptions
{
    private readonly Option<string> endpoints = new("--endpoints")
    {
        Description = "Servers to talk to, host:port,host:port. Default: HOLDFAST_ENDPOINTS, else 127.0.0.1:2379.",
        Recursive = true,
    };

    private readonly Option<string> authority = new("--cacert") { Description = "Servers must show a certificate from this authority, a PEM file (HOLDFAST_CACERT).", Recursive = true };
    private readonly Option<string> certificate = new("--cert") { Description = "Our certificate, a PEM file (HOLDFAST_CERT).", Recursive = true };
    private readonly Option<string> key = new("--key") { Description = "Its private key, a PEM file (HOLDFAST_KEY).", Recursive = true };
    private readonly Option<string> user = new("--user") { Description = "Signs in, name:password or name (HOLDFAST_USER).", Recursive = true };
    private readonly Option<string> password = new("--password") { Description = "The password; better in HOLDFAST_PASSWORD, where other users do not see it.", Recursive = true };

    /// <summary>Adds the options to a command and all below it.</summary>
    public static ClientOptions AddTo(Command command)
    {
        var options = new ClientOptions();
        foreach (var option in (Option[])[options.endpoints, options.authority, options.certificate, options.key, options.user, options.password]) command.Options.Add(option);
        return options;
    }

    /// <summary>How servers are reached.</summary>
    /// <exception cref="ClientAccessException">A named file cannot be used.</exception>
    public ClientAccess Access(ParseResult parsed) => new(
        EtcdClient.ParseEndpoints(parsed.GetValue(endpoints)), Said(parsed, authority, "HOLDFAST_CACERT"), Said(parsed, certificate, "HOLDFAST_CERT"), Said(parsed, key, "HOLDFAST_KEY"),
        Said(parsed, user, "HOLDFAST_USER"), Said(parsed, password, "HOLDFAST_PASSWORD"));

    /// <summary>A client of what was asked for.</summary>
    /// <exception cref="ClientAccessException">A named file cannot be used.</exception>
    public EtcdClient Open(ParseResult parsed) => new(Access(parsed));

    /// <summary>Runs a verb, and turns what servers and files refuse into a sentence and an exit code.</summary>
    public async Task<int> TryAsync(ParseResult parsed, Func<ClientAccess, Task<int>> verb)
    {
        try
        {
            return await verb(Access(parsed));
        }
        catch (ClientAccessException misused)
        {
            return await SayAsync(misused.Message, ExitCode.Misused);
        }
        catch (OutcomeUnknownException unknown)
        {
            return await SayAsync(unknown.Message, ExitCode.Unknown);
        }
        catch (RpcException failure)
        {
            return await SayAsync($"{failure.Status.Detail} ({failure.StatusCode})", ExitCode.Failed);
        }
        catch (Exception failure) when (failure is AdminException or HttpRequestException or TaskCanceledException)
        {
            return await SayAsync(failure.Message, ExitCode.Failed);
        }
    }

    private static string Said(ParseResult parsed, Option<string> option, string variable) => parsed.GetValue(option) ?? Environment.GetEnvironmentVariable(variable) ?? "";

    private static async Task<int> SayAsync(string sentence, int code)
    {
        await Console.Error.WriteLineAsync($"holdfast: {sentence}");
        return code;
    }
}
