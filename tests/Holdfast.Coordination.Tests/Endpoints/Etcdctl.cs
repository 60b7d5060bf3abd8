using System.Diagnostics;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>Debian's etcdctl (package etcd-client) against a front door.</summary>
internal static class Etcdctl
{
    public static Task<string> RunAsync(OpenDoor door, params string[] arguments) => RunAsync(door, arguments, string.Empty);

    /// <summary>Runs etcdctl to its end and returns all that it wrote.</summary>
    public static async Task<string> RunAsync(OpenDoor door, string[] arguments, string input)
    {
        using var process = Start(door, arguments);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return await output + await errors;
    }

    public static async Task<string> ReadLinesAsync(Process process, int count)
    {
        var lines = new List<string>();
        while (lines.Count < count) lines.Add(await process.StandardOutput.ReadLineAsync() ?? "<end>");
        return string.Join(' ', lines);
    }

    public static Process Start(OpenDoor door, string[] arguments)
    {
        var start = new ProcessStartInfo("etcdctl") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ETCDCTL_API"] = "3";
        start.ArgumentList.Add("--endpoints=" + door.Address);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
