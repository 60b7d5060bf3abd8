using System.CommandLine;
using Holdfast.Client;
using Holdfast.Server.Running;

namespace Holdfast.Server.Commands;

/// <summary>
/// <c>holdfast service register NAME ... [-- CMD]</c>: keeps an instance registered, with its checks, as long as this process (and the command, if there is one) runs.
/// </summary>
internal sealed class ServiceRegisterCommand
{
    private readonly Argument<string> service = new("service") { Description = "The service's name." };
    private readonly Argument<string[]> words = new("command") { Description = "A command to run meanwhile, after --; its exit code is ours.", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string> id = new("--id") { Description = "The instance's id. Default: host name and port." };
    private readonly Option<string> address = new("--address") { Description = "Where clients reach it.", DefaultValueFactory = _ => "127.0.0.1" };
    private readonly Option<int> port = new("--port") { Description = "The port there.", Required = true };
    private readonly Option<string> zone = new("--zone") { Description = "Where it runs.", DefaultValueFactory = _ => "" };
    private readonly Option<string[]> tags = new("--tag") { Description = "Anything to choose by; may be given several times." };
    private readonly Option<string[]> checks = new("--check") { Description = "ttl (the lease alone), tcp://HOST:PORT, http://HOST:PORT/PATH, https://HOST:PORT/PATH (whose authority this machine must trust) or grpc://HOST:PORT/SERVICE; may be given several times, and all must pass." };
    private readonly Option<string> ttl = Durations.Option("--ttl", "10s", "How soon the instance is gone when this process is; whole seconds, 2s at least.");
    private readonly Option<string> interval = Durations.Option("--interval", "5s", "The pause between checks.");
    private readonly Option<string> timeout = Durations.Option("--check-timeout", "2s", "For one check.");
    private readonly Option<string> grace = Durations.Option("--grace", "5s", "For how long the command may go on after it was told to end.");

    internal static Command Create(ClientOptions clients)
    {
        var verb = new ServiceRegisterCommand();
        var command = new Command("register", "Keeps an instance registered, with health checks, until interrupted or the command ends.")
        {
            verb.service, verb.words, verb.id, verb.address, verb.port, verb.zone, verb.tags, verb.checks, verb.ttl, verb.interval, verb.timeout, verb.grace,
        };
        command.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => verb.RunAsync(client, parsed, cancel)));
        return command;
    }

    private async Task<int> RunAsync(HoldfastClient client, ParseResult parsed, CancellationToken cancel)
    {
        var instance = new ServiceInstance
        {
            Id = parsed.GetValue(id) ?? $"{Environment.MachineName}-{parsed.GetValue(port)}",
            Address = parsed.GetValue(address)!,
            Port = parsed.GetValue(port),
            Zone = parsed.GetValue(zone)!,
            Tags = parsed.GetValue(tags) ?? [],
        };
        var options = new RegistrationOptions
        {
            Ttl = Durations.Of(parsed, ttl),
            Checks = [.. (parsed.GetValue(checks) ?? []).Where(check => check != "ttl").Select(HealthCheck.Parse)],
            CheckInterval = Durations.Of(parsed, interval),
            CheckTimeout = Durations.Of(parsed, timeout),
            OnHealth = (health, why) => Console.Error.WriteLine($"holdfast: {instance.Id} is {(health == ServiceHealth.Passing ? "passing" : "failing")}: {why}"),
        };
        await using var registration = await client.Services.RegisterAsync(parsed.GetValue(service)!, instance, options, cancel);
        if (parsed.GetValue(words) is { Length: > 0 } command) return await new GuardedCommand(command, Durations.Of(parsed, grace)).RunAsync([], CancellationToken.None, cancel);
        Report.One(parsed, new Dictionary<string, string> { ["registered"] = instance.Id }, ReportJson.Lines.DictionaryStringString, $"registered: {instance.Id}");
        await Task.Delay(Timeout.Infinite, cancel).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return 0;
    }
}
