using System.CommandLine;
using Grpc.Core;
using Holdfast.Client;

namespace Holdfast.Server.Commands;

/// <summary>Where a client verb looks for servers, and as whom it asks; and what it exits with when it could not be done.</summary>
internal sealed class ClientOptions
{
    /// <summary>The server refused, or none answered.</summary>
    public const int Failed = 2;

    /// <summary>A write was sent and its answer did not come (S25).</summary>
    public const int OutcomeUnknown = 3;

    private readonly Option<string> endpoints = Named("--endpoints", "Servers to talk to, host:port,host:port. Default: HOLDFAST_ENDPOINTS, else 127.0.0.1:2379.");
    private readonly Option<string> user = Named("--user", "Who asks, name:password. Default: HOLDFAST_USER, else nobody in particular.");
    private readonly Option<string> authority = Named("--cacert", "PEM file of the authority that the servers' certificates come from; turns TLS on.");
    private readonly Option<string> certificate = Named("--cert", "PEM file of the client's certificate; turns TLS on.");
    private readonly Option<string> key = Named("--key", "PEM file of the client certificate's key.");

    /// <summary>Adds the options to a command and all below it.</summary>
    public static ClientOptions AddTo(Command command)
    {
        var options = new ClientOptions();
        foreach (var option in (Option[])[options.endpoints, options.user, options.authority, options.certificate, options.key]) command.Options.Add(option);
        return options;
    }

    /// <summary>A client of what was asked for.</summary>
    /// <exception cref="ArgumentException">The options are wrong; the message says all that is.</exception>
    public HoldfastClient Open(ParseResult parsed)
    {
        var named = (parsed.GetValue(user) ?? Environment.GetEnvironmentVariable("HOLDFAST_USER"))?.Split(':', 2);
        return new(new HoldfastClientOptions
        {
            Endpoints = HoldfastClientOptions.ParseEndpoints(parsed.GetValue(endpoints)),
            User = named?[0],
            Password = named?.Length > 1 ? named[1] : null,
            TrustedCaFile = parsed.GetValue(authority),
            CertificateFile = parsed.GetValue(certificate),
            CertificateKeyFile = parsed.GetValue(key),
        });
    }

    /// <summary>Runs a verb with a client of what was asked for; failures are said and become exit codes.</summary>
    public async Task<int> RunAsync(ParseResult parsed, Func<HoldfastClient, Task<int>> verb)
    {
        try
        {
            using var client = Open(parsed);
            return await verb(client);
        }
        catch (OutcomeUnknownException unknown)
        {
            await Console.Error.WriteLineAsync($"holdfast: {unknown.Message}");
            return OutcomeUnknown;
        }
        catch (RpcException failure)
        {
            await Console.Error.WriteLineAsync($"holdfast: {failure.Status.Detail} ({failure.StatusCode}); is a server running there? --endpoints or HOLDFAST_ENDPOINTS says where to look");
            return Failed;
        }
        catch (ArgumentException wrong)
        {
            await Console.Error.WriteLineAsync($"holdfast: {wrong.Message}");
            return Failed;
        }
    }

    /// <summary>The first of the servers, for what is asked of one node.</summary>
    public string First(ParseResult parsed) => HoldfastClientOptions.ParseEndpoints(parsed.GetValue(endpoints))[0];

    private static Option<string> Named(string name, string description) => new(name) { Description = description, Recursive = true };
}
