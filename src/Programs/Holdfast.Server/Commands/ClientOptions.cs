using System.CommandLine;
using Holdfast.Server.Client;

namespace Holdfast.Server.Commands;

/// <summary>Where a client verb looks for servers.</summary>
internal sealed class ClientOptions
{
    private readonly Option<string> endpoints = new("--endpoints")
    {
        Description = "Servers to talk to, host:port,host:port. Default: HOLDFAST_ENDPOINTS, else 127.0.0.1:2379.",
        Recursive = true,
    };

    /// <summary>Adds the option to a command and all below it.</summary>
    public static ClientOptions AddTo(Command command)
    {
        var options = new ClientOptions();
        command.Options.Add(options.endpoints);
        return options;
    }

    /// <summary>A client of what was asked for.</summary>
    public EtcdClient Open(ParseResult parsed) => new(EtcdClient.ParseEndpoints(parsed.GetValue(endpoints)));

    /// <summary>The first of the servers, for what is asked of one node.</summary>
    public string First(ParseResult parsed) => EtcdClient.ParseEndpoints(parsed.GetValue(endpoints))[0];
}
