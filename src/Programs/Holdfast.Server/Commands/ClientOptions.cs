using System.CommandLine;
using Holdfast.Client;
using Holdfast.Server.Client;

namespace Holdfast.Server.Commands;

/// <summary>Where a client verb looks for servers, who it says it is, and how it prints: flags as etcdctl's, else <c>HOLDFAST_*</c> variables; and what it exits with when it could not be done.</summary>
internal sealed class ClientOptions
{
    private readonly Option<string> endpoints = Named("--endpoints", "Servers to talk to, host:port,host:port. Default: HOLDFAST_ENDPOINTS, else 127.0.0.1:2379.");
    private readonly Option<string> authority = Named("--cacert", "Servers must show a certificate from this authority, a PEM file (HOLDFAST_CACERT).");
    private readonly Option<string> certificate = Named("--cert", "Our certificate, a PEM file (HOLDFAST_CERT).");
    private readonly Option<string> key = Named("--key", "Its private key, a PEM file (HOLDFAST_KEY).");
    private readonly Option<string> user = Named("--user", "Signs in, name:password or name (HOLDFAST_USER).");
    private readonly Option<string> password = Named("--password", "The password; better in HOLDFAST_PASSWORD, where other users do not see it.");

    /// <summary>Adds the options to a command and all below it.</summary>
    public static ClientOptions AddTo(Command command)
    {
        var options = new ClientOptions();
        foreach (var option in (Option[])[options.endpoints, options.authority, options.certificate, options.key, options.user, options.password]) command.Options.Add(option);
        Report.AddTo(command);
        return options;
    }

    /// <summary>Runs a verb, and turns what servers and files refuse into a sentence and an exit code.</summary>
    public async Task<int> TryAsync(ParseResult parsed, Func<ClientAccess, Task<int>> verb)
    {
        try
        {
            return await verb(Access(parsed));
        }
        catch (Exception exception) when (Failure.Of(exception) is { } failure)
        {
            return failure.Say(parsed);
        }
    }

    /// <summary>Runs a verb with a client of what was asked for; failures are said and become exit codes.</summary>
    public Task<int> RunAsync(ParseResult parsed, Func<HoldfastClient, Task<int>> verb) => TryAsync(parsed, async access =>
    {
        using var client = access.Open();
        return await verb(client);
    });

    private static Option<string> Named(string name, string description) => new(name) { Description = description, Recursive = true };

    private static string Said(ParseResult parsed, Option<string> option, string variable) => parsed.GetValue(option) ?? Environment.GetEnvironmentVariable(variable) ?? "";

    private ClientAccess Access(ParseResult parsed) => new(
        HoldfastClientOptions.ParseEndpoints(parsed.GetValue(endpoints)), Said(parsed, authority, "HOLDFAST_CACERT"), Said(parsed, certificate, "HOLDFAST_CERT"), Said(parsed, key, "HOLDFAST_KEY"),
        Said(parsed, user, "HOLDFAST_USER"), Said(parsed, password, "HOLDFAST_PASSWORD"));
}
