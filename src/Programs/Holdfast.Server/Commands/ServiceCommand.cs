using System.CommandLine;
using System.Globalization;
using Holdfast.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast service register|ls|resolve|watch|leader</c>: instances of services, by leased keys (R1.4). Exit code 4 when nobody is there.</summary>
internal static class ServiceCommand
{
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
        ls.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ListAsync(parsed, client, cancel)));
        resolve.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ResolveAsync(parsed, client, parsed.GetValue(service)!, parsed.GetValue(all), cancel)));
        watch.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => WatchAsync(parsed, client, parsed.GetValue(service)!, cancel)));
        leader.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => LeaderAsync(parsed, client, parsed.GetValue(service)!, cancel)));
        foreach (var verb in (Command[])[ServiceRegisterCommand.Create(clients), ls, resolve, watch, leader]) command.Subcommands.Add(verb);
        return command;
    }

    private static async Task<int> ListAsync(ParseResult parsed, HoldfastClient client, CancellationToken cancel)
    {
        var rows = (await client.Services.ListAsync(cancel)).Select(service => new ServiceRow(service.Name, service.Healthy, service.Instances)).ToList();
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListServiceRow, ["name", "healthy", "instances"], row =>
            [row.Name, row.Healthy.ToString(CultureInfo.InvariantCulture), row.Instances.ToString(CultureInfo.InvariantCulture)]);
        return ExitCode.Done;
    }

    private static async Task<int> ResolveAsync(ParseResult parsed, HoldfastClient client, string service, bool withFailing, CancellationToken cancel)
    {
        var rows = (await client.Services.ResolveAsync(service, withFailing, cancel)).Select(RowOf).ToList();
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListInstanceRow, ["place", "id", "zone", "tags", "health"], row =>
            [Place(row.Address, row.Port), row.Id, row.Zone, string.Join(',', row.Tags), row.Health]);
        return rows.Count > 0 ? ExitCode.Done : ExitCode.No;
    }

    private static async Task<int> WatchAsync(ParseResult parsed, HoldfastClient client, string service, CancellationToken cancel)
    {
        try
        {
            await foreach (var healthy in client.Services.WatchAsync(service, cancel))
                Report.One(parsed, [.. healthy.Select(RowOf)], ReportJson.Lines.IReadOnlyListInstanceRow, string.Join(' ', healthy.Select(instance => Place(instance.Address, instance.Port))));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Interrupted: that is how a watch ends.
        }

        return ExitCode.Done;
    }

    private static async Task<int> LeaderAsync(ParseResult parsed, HoldfastClient client, string service, CancellationToken cancel)
    {
        if (await client.Services.LeaderAsync(service, cancel) is not { } leader) return ExitCode.No;
        Report.One(parsed, new Dictionary<string, string> { ["leader"] = leader }, ReportJson.Readable.DictionaryStringString, leader);
        return ExitCode.Done;
    }

    private static InstanceRow RowOf(ServiceInstance instance) =>
        new(instance.Id, instance.Address, instance.Port, instance.Zone, instance.Tags, instance.Health == ServiceHealth.Passing ? "passing" : "failing");

    private static string Place(string address, int port) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:{port}" : $"{address}:{port}";
}
