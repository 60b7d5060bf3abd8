using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>Clients of a collection that write and read without pause while something is done to it: what was acknowledged is known, and every question that failed.</summary>
internal sealed class VectorLoad : IAsyncDisposable
{
    private const int Batch = 20;

    private readonly HttpClient client;
    private readonly CancellationTokenSource stopping = new();
    private readonly List<Task> running = [];
    private volatile string lastWrite = "none";
    private int written;
    private int answered;

    /// <summary>Begins over points that are there, numbered from zero.</summary>
    public VectorLoad(HttpClient client, int there)
    {
        (this.client, written) = (client, there);
        running.Add(Task.Run(WriteAsync));
        running.Add(Task.Run(ReadAsync));
    }

    /// <summary>Points that are acknowledged: all numbers below.</summary>
    public int Written => Volatile.Read(ref written);

    /// <summary>Questions that were answered.</summary>
    public int Answered => Volatile.Read(ref answered);

    /// <summary>Questions that were not.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>Waits until so many questions more were answered and so many points more written.</summary>
    public async Task UntilGoesOnAsync(int questions = 30, int points = 60)
    {
        var (before, there) = (Answered, Written);
        try
        {
            await UntilAsync(() => Answered >= before + questions && Written >= there + points);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"the load does not go on: {Answered - before} questions answered, {Written - there} points written; the last write: {lastWrite}; failures: {string.Join("; ", Failures.TakeLast(3))}");
        }
    }

    /// <summary>Ends the clients, once what they asked last is answered.</summary>
    public async Task EndAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(running);
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        stopping.Dispose();
    }

    public static async Task UntilAsync(Func<bool> isSo)
    {
        using var patience = new CancellationTokenSource(Patient.Most);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!isSo()) await timer.WaitForNextTickAsync(patience.Token);
    }

    /// <summary>Looks until it finds something.</summary>
    public static async Task<JsonElement> UntilAsync(Func<Task<JsonElement>> look, Func<JsonElement, bool> isSo)
    {
        using var patience = new CancellationTokenSource(Patient.Most);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var seen = default(JsonElement);
        while (true)
        {
            try
            {
                seen = await look();
                if (isSo(seen)) return seen;
            }
            catch (HttpRequestException)
            {
                // It is not there yet, or not any more.
            }

            Assert.False(patience.IsCancellationRequested, $"it never came to be; last seen: {(seen.ValueKind == JsonValueKind.Undefined ? "nothing" : seen)}");
            await timer.WaitForNextTickAsync();
        }
    }

    public static async Task<JsonElement> AskAsync(HttpClient client, string method, string path, string? body = null)
    {
        var (status, text) = await SendAsync(client, method, path, body);
        Assert.True(status == 200, $"{method} {path}: {status} {text}");
        return JsonDocument.Parse(text).RootElement.GetProperty("result");
    }

    public static async Task<(int Status, string Text)> SendAsync(HttpClient client, string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Points from one number on.</summary>
    public static string PointsFrom(int first, int count) => $$"""{"points":[{{string.Join(',', Enumerable.Range(first, count).Select(id => string.Create(CultureInfo.InvariantCulture, $$$"""{"id":{{{id}}},"vector":[{{{id}}},0],"payload":{"n":{{{id}}},"text":"{{{new string('x', 400)}}}"}}""")))}}]}""";

    private async Task WriteAsync()
    {
        // Points on a line, hundreds of thousands of them, are a hard case for a graph, and none for what is tested here: they come slowly, and are searched exactly.
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(15));
        while (!stopping.IsCancellationRequested && await pace.WaitForNextTickAsync(CancellationToken.None))
            try
            {
                var (status, text) = await SendAsync(client, "PUT", "/collections/c/points", PointsFrom(Written, Batch));
                lastWrite = $"{status} {text}";
                if (status == 200) Interlocked.Add(ref written, Batch);
            }
            catch (Exception failed) when (failed is HttpRequestException or TaskCanceledException)
            {
                lastWrite = failed.Message;

                // Written again: a point that is there is there.
            }
    }

    private async Task ReadAsync()
    {
        while (!stopping.IsCancellationRequested)
            try
            {
                var found = await AskAsync(client, "POST", "/collections/c/points/query", """{"query":[7.1,0],"limit":3,"params":{"exact":true}}""");
                Assert.Equal(["7", "8", "6"], found.GetProperty("points").EnumerateArray().Select(point => point.GetProperty("id").ToString()));
                var last = Written - 1;
                Assert.Equal(last, (await AskAsync(client, "GET", $"/collections/c/points/{last}")).GetProperty("payload").GetProperty("n").GetInt32());
                Interlocked.Increment(ref answered);
            }
            catch (Exception failed) when (failed is HttpRequestException or Xunit.Sdk.XunitException or TaskCanceledException)
            {
                Failures.Add(failed.Message);
            }
    }
}
