using System.Net;
using Grpc.Core;
using Holdfast.Client;
using Holdfast.Coordination.Protocol;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Hosting;

/// <summary>The last part of a restore drill: a real node on the restored directory, on loopback, in this process, asked through its own door.</summary>
internal static class RestoreDrill
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(60);

    /// <summary>What the node served.</summary>
    /// <param name="Revision">The keyspace's revision.</param>
    /// <param name="Keys">How many keys; "users' own" where users are on, which a drill cannot sign in as.</param>
    public sealed record Served(long Revision, string Keys);

    /// <summary>Starts, asks, stops.</summary>
    /// <exception cref="CannotStartException">It does not start.</exception>
    public static async Task<Served> ServeAsync(string data, string name, CancellationToken cancel)
    {
        var plan = new ServerPlan
        {
            Name = name,
            DataDirectory = data,
            Etcd = new IPEndPoint(IPAddress.Loopback, 0),
            Peer = null,
            Cluster = [],
            JoinAddress = "",
            JoinToken = "",
            TlsFolder = null,
            IsEphemeral = false,
            LogsAsJson = false,
            Warnings = [],
        };
        using var log = new NodeLog(TextWriter.Null, isJson: false, name);
        await using var node = await NodeAssembly.StartAsync(plan, log, cancel);
        using var client = new HoldfastClient(new HoldfastClientOptions { Endpoints = [node.ClientAddresses[0] is var address && address.Contains("://", StringComparison.Ordinal) ? address : "http://" + address] });
        try
        {
            var all = new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("\0"), RangeEnd = Google.Protobuf.ByteString.CopyFromUtf8("\0"), CountOnly = true };
            var answer = await client.RangeAsync(all, cancel).WaitAsync(AnswerMax, cancel);
            return new Served(answer.Header.Revision, answer.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        catch (RpcException refused) when (refused.StatusCode is StatusCode.PermissionDenied or StatusCode.InvalidArgument)
        {
            return new Served(0, "its users'");
        }
        catch (Exception silent) when (silent is RpcException or TimeoutException)
        {
            throw new CannotStartException($"it does not answer: {silent.Message}", silent);
        }
    }
}
