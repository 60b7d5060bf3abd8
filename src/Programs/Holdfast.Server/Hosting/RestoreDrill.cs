using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Holdfast.Client;
using Holdfast.Coordination.Protocol;
using Holdfast.Server.Configuration;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Server.Hosting;

/// <summary>The last part of a restore drill: a real node on the restored directory, on loopback, in this process, asked through the door of each face whose groups were restored.</summary>
internal static class RestoreDrill
{
    /// <summary>What the directory calls the keyspace's groups.</summary>
    private const string KeyspaceGroups = "keyspace";

    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(100);

    /// <summary>What the node served.</summary>
    /// <param name="Sentence">How much of what, by face.</param>
    public sealed record Served(string Sentence);

    /// <summary>Starts, asks, stops.</summary>
    /// <param name="data">The restored directory.</param>
    /// <param name="name">The node's name.</param>
    /// <param name="faces">The faces that were restored.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <exception cref="CannotStartException">It does not start, or a face does not answer.</exception>
    public static async Task<Served> ServeAsync(string data, string name, IReadOnlyList<string> faces, CancellationToken cancel)
    {
        var hasKeyspace = faces.Contains(KeyspaceGroups);
        var hasVectors = faces.Any(face => face.StartsWith(VectorGroups.FacePrefix, StringComparison.Ordinal));
        var anywhere = new IPEndPoint(IPAddress.Loopback, 0);
        var plan = new ServerPlan
        {
            Name = name,
            DataDirectory = data,
            Etcd = anywhere,
            Redis = hasKeyspace ? new RedisPortPlan { Plain = anywhere } : null,
            Vectors = hasVectors ? anywhere : null,
            Peer = null,
            Cluster = [],
            JoinAddress = "",
            JoinToken = "",
            PeerCertificates = null,
            IsEphemeral = false,
            LogsAsJson = false,
            Warnings = [],
        };
        using var log = new NodeLog(TextWriter.Null, isJson: false, name);
        await using var node = await NodeAssembly.StartAsync(plan, log, cancel);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(AnswerMax);
        var served = new List<string>();
        try
        {
            served.Add(await AskEtcdAsync(node.ClientAddresses[0], patience.Token));
            if (hasKeyspace) served.Add(await AskRedisAsync(node.EndpointOf<RedisFace>()!, patience.Token));
            if (hasVectors) served.Add(await AskVectorsAsync(node.EndpointOf<VectorsFace>()!, patience.Token));
        }
        catch (Exception silent) when (silent is RpcException or SocketException or IOException or HttpRequestException or JsonException || (silent is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new CannotStartException($"it does not answer{(served.Count == 0 ? "" : $", after it served {string.Join(", ", served)}")}: {silent.Message}", silent);
        }

        return new Served(string.Join(", ", served));
    }

    private static async Task<string> AskEtcdAsync(string address, CancellationToken cancel)
    {
        using var client = new HoldfastClient(new HoldfastClientOptions { Endpoints = [address.Contains("://", StringComparison.Ordinal) ? address : "http://" + address] });
        try
        {
            var all = new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("\0"), RangeEnd = Google.Protobuf.ByteString.CopyFromUtf8("\0"), CountOnly = true };
            var answer = await client.RangeAsync(all, cancel).WaitAsync(cancel);
            return string.Create(CultureInfo.InvariantCulture, $"{answer.Count} keys at revision {answer.Header.Revision}");
        }
        catch (RpcException refused) when (refused.StatusCode is StatusCode.PermissionDenied or StatusCode.InvalidArgument)
        {
            // Users are on, and a drill cannot sign in as one.
            return "its users' keys";
        }
    }

    /// <summary>Waits until every slot is served, and counts.</summary>
    private static async Task<string> AskRedisAsync(IPEndPoint endpoint, CancellationToken cancel)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(endpoint, cancel);
        var stream = socket.GetStream();
        while (!(await AskAsync(stream, "CLUSTER INFO\r\n", cancel)).Contains("cluster_state:ok", StringComparison.Ordinal)) await Task.Delay(AskAgain, cancel);
        var counted = await AskAsync(stream, "DBSIZE\r\n", cancel);
        return counted.StartsWith(':') ? $"{counted.AsSpan(1).Trim()} keys of Redis" : throw new IOException($"DBSIZE was answered {counted.Trim()}");
    }

    private static async Task<string> AskAsync(NetworkStream stream, string command, CancellationToken cancel)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command), cancel);
        var answer = new byte[4096];
        var read = await stream.ReadAsync(answer, cancel);
        return Encoding.ASCII.GetString(answer, 0, read);
    }

    private static async Task<string> AskVectorsAsync(IPEndPoint endpoint, CancellationToken cancel)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{endpoint}") };
        using var list = JsonDocument.Parse(await http.GetStringAsync(new Uri("/collections", UriKind.Relative), cancel));
        var (collections, points) = (0, 0L);
        foreach (var collection in list.RootElement.GetProperty("result").GetProperty("collections").EnumerateArray())
        {
            var count = new Uri($"/collections/{Uri.EscapeDataString(collection.GetProperty("name").GetString()!)}/points/count", UriKind.Relative);
            using var content = new StringContent("""{"exact":true}""", Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(count, content, cancel);
            using var counted = JsonDocument.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(cancel));
            points += counted.RootElement.GetProperty("result").GetProperty("count").GetInt64();
            collections++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{points} points in {collections} collections");
    }
}
