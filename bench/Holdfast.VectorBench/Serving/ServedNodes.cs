using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Qdrant.Client;

namespace Holdfast.VectorBench.Serving;

/// <summary>The doors of a running cluster's nodes, as the script started them.</summary>
internal sealed class ServedNodes : IDisposable
{
    /// <summary>The collection that cases load and ask.</summary>
    public const string Collection = "bench";

    private readonly HttpClient[] pages;

    /// <param name="options">Words such as <c>rest</c>, <c>grpc</c>, <c>pages</c> and their addresses, with commas between.</param>
    public ServedNodes(IReadOnlyDictionary<string, string> options)
    {
        Rest = [.. Addresses("rest").Select(address => new HttpClient { BaseAddress = new Uri("http://" + address), Timeout = TimeSpan.FromMinutes(2) })];
        Grpc = [.. Addresses("grpc").Select(address => new QdrantClient(new Uri("http://" + address), grpcTimeout: TimeSpan.FromMinutes(2)))];
        pages = [.. Addresses("pages").Select(address => new HttpClient { BaseAddress = new Uri("http://" + address), Timeout = TimeSpan.FromSeconds(10) })];

        string[] Addresses(string name) => options.TryGetValue(name, out var text) ? text.Split(',', StringSplitOptions.RemoveEmptyEntries) : [];
    }

    /// <summary>By REST.</summary>
    public HttpClient[] Rest { get; }

    /// <summary>By gRPC, through Qdrant's own client.</summary>
    public QdrantClient[] Grpc { get; }

    /// <summary>A call; its result.</summary>
    /// <exception cref="HttpRequestException">It was refused.</exception>
    public static async Task<JsonElement> CallAsync(HttpClient node, HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await node.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode) throw new HttpRequestException($"{method} {path}: {(int)response.StatusCode} {text}");
        using var document = JsonDocument.Parse(text);
        return document.RootElement.GetProperty("result").Clone();
    }

    /// <summary>The collection's counters through one node.</summary>
    public async Task<(long Points, long Indexed, string Status)> CountersAsync(int node = 0)
    {
        var shown = await CallAsync(Rest[node], HttpMethod.Get, $"/collections/{Collection}");
        return (shown.GetProperty("points_count").GetInt64(), shown.GetProperty("indexed_vectors_count").GetInt64(), shown.GetProperty("status").GetString()!);
    }

    /// <summary>A gauge of each data group on a node, by group; empty when the node does not answer.</summary>
    public async Task<Dictionary<int, double>> GroupGaugeAsync(int node, string name)
    {
        var values = new Dictionary<int, double>();
        try
        {
            foreach (var line in (await pages[node].GetStringAsync("/metrics")).Split('\n'))
            {
                if (!line.StartsWith(name + "{group=\"", StringComparison.Ordinal)) continue;
                var group = int.Parse(line[(name.Length + 8)..line.IndexOf('"', name.Length + 8)], CultureInfo.InvariantCulture);
                if (group > 1) values[group] = double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            }
        }
        catch (HttpRequestException)
        {
        }

        return values;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var client in Rest) client.Dispose();
        foreach (var client in Grpc) client.Dispose();
        foreach (var client in pages) client.Dispose();
    }
}
