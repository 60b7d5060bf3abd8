using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Holdfast.VectorBench.Serving;

/// <summary>The queries of a data set by either protocol. What a client does to encode a question is done before; what it does to read the answer is not counted for REST, and is for gRPC.</summary>
internal sealed class Asking(ServedNodes nodes, DataSet set)
{
    private readonly byte[][] bodies = [.. Enumerable.Range(0, set.QueryCount).Select(query => BodyOf(set.Queries.AsSpan(query * set.Dims, set.Dims)))];
    private readonly float[][] vectors = [.. Enumerable.Range(0, set.QueryCount).Select(query => set.Queries.AsSpan(query * set.Dims, set.Dims).ToArray())];

    /// <summary>Asks through a node.</summary>
    /// <returns>What it took, and the ids that were found.</returns>
    public async Task<(TimeSpan Took, int[] Found)> AskAsync(bool isGrpc, int node, int query)
    {
        var begun = System.Diagnostics.Stopwatch.GetTimestamp();
        if (isGrpc)
        {
            var found = await nodes.Grpc[node].QueryAsync(ServedNodes.Collection, query: vectors[query], limit: DataSet.Wanted);
            return (System.Diagnostics.Stopwatch.GetElapsedTime(begun), [.. found.Select(point => (int)point.Id.Num)]);
        }

        using var content = new ByteArrayContent(bodies[query]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await nodes.Rest[node].PostAsync($"/collections/{ServedNodes.Collection}/points/query", content);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        var took = System.Diagnostics.Stopwatch.GetElapsedTime(begun);
        if (!response.IsSuccessStatusCode) throw new HttpRequestException(Encoding.UTF8.GetString(bytes));
        using var document = JsonDocument.Parse(bytes);
        return (took, [.. document.RootElement.GetProperty("result").GetProperty("points").EnumerateArray().Select(point => point.GetProperty("id").GetInt32())]);
    }

    private static byte[] BodyOf(ReadOnlySpan<float> vector)
    {
        var text = new StringBuilder("{\"query\":[");
        foreach (var component in vector) text.Append(component.ToString("R", CultureInfo.InvariantCulture)).Append(',');
        text[^1] = ']';
        return Encoding.UTF8.GetBytes(text.Append(",\"limit\":").Append(DataSet.Wanted).Append('}').ToString());
    }
}
