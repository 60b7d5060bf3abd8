using System.CommandLine;
using Holdfast.Client;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast service register|ls|resolve|watch|leader</c>: instances of services, by leased keys (R1.4). Exit code 1 when nobody is there.</summary>
internal static class ServiceCommand
{
    private const int NobodyThere = 1;

    internal static Command Create()
    {
        var command = new Command("service", "Registers and finds instances of services.");
        var clients = ClientOptions.AddTo(command);
        var service = new Argument<string>("service") { Description = "The service's name." };
        var all = new Option<bool>("--all") { Description = "Also instances whose checks fail." };
        var ls = new Command("ls", "Lists the services: name, healthy instances, all instances.");
        var resolve = new Command("resolve", "Prints where the healthy instances are: address:port, id, zone, tags, health.") { service, all };
        var watch = new Command("watch", "Prints the healthy instances on a line, and again whenever they change, until interrupted.") { service };
        var leader = new Command("leader", "Prints the id of the instance that leads.") { service };
        ls.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ListAsync(client, cancel)));
        resolve.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ResolveAsync(client, parsed.GetValue(service)!, parsed.GetValue(all), cancel)));
        watch.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => WatchAsync(client, parsed.GetValue(service)!, cancel)));
        leader.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => LeaderAsync(client, parsed.GetValue(service)!, cancel)));
        foreach (var verb in (Command[])[ServiceRegisterCommand.Create(clients), ls, resolve, watch, leader]) command.Subcommands.Add(verb);
        return command;
    }

    private static async Task<int> ListAsync(HoldfastClient client, CancellationToken cancel)
    {
        foreach (var service in await client.Services.ListAsync(cancel)) Console.WriteLine($"{service.Name}\t{service.Healthy}\t{service.Instances}");
        return 0;
    }

    private static async Task<int> ResolveAsync(HoldfastClient client, string service, bool withFailing, CancellationToken cancel)
    {
        var found = await client.Services.ResolveAsync(service, withFailing, cancel);
        foreach (var instance in found) Console.WriteLine($"{Place(instance)}\t{instance.Id}\t{instance.Zone}\t{string.Join(',', instance.Tags)}\t{(instance.Health == ServiceHealth.Passing ? "passing" : "failing")}");
        return found.Count > 0 ? 0 : NobodyThere;
    }

    private static async Task<int> WatchAsync(HoldfastClient client, string service, CancellationToken cancel)
    {
        try
        {
            await foreach (var healthy in client.Services.WatchAsync(service, cancel)) Console.WriteLine(string.Join(' ', healthy.Select(Place)));
        }
        catch (OperationCanceledException)
        {
            // Interrupted: that is how a watch ends.
        }

        return 0;
    }

    private static async Task<int> LeaderAsync(HoldfastClient client, string service, CancellationToken cancel)
    {
        if (await client.Services.LeaderAsync(service, cancel) is not { } leader) return NobodyThere;
        Console.WriteLine(leader);
        return 0;
    }

    private static string Place(ServiceInstance instance) => instance.Address.Contains(':', StringComparison.Ordinal) ? $"[{instance.Address}]:{instance.Port}" : $"{instance.Address}:{instance.Port}";
}
