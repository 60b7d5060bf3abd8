using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Coordination.Endpoints;

namespace Holdfast.Server.Client;

/// <summary>The command line's side of <see cref="IAdmin"/>. A refusal comes back as the <see cref="AdminException"/> that the server threw.</summary>
internal sealed class AdminClient : IAdmin, IDisposable
{
    private readonly HttpClient http;

    /// <summary>A client of one node.</summary>
    public AdminClient(string url, ClientAccess access, TimeSpan? timeout = null)
    {
        http = new HttpClient(access.NamedConnections(url))
        {
            BaseAddress = new Uri(url.TrimEnd('/') + "/holdfast/v1/"),
            Timeout = timeout ?? TimeSpan.FromSeconds(30),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<NodeStatus> StatusAsync(CancellationToken cancel = default)
    {
        using var response = await http.GetAsync("status", cancel).ConfigureAwait(false);
        return await ReadAsync(response, AdminJson.Default.NodeStatus, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<JoinTokenReply> CreateJoinTokenAsync(CancellationToken cancel = default)
    {
        using var response = await http.PostAsync("token", null, cancel).ConfigureAwait(false);
        return await ReadAsync(response, AdminJson.Default.JoinTokenReply, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask LeaveAsync(LeaveRequest request, CancellationToken cancel = default) => DoAsync("leave", request, AdminJson.Default.LeaveRequest, cancel);

    /// <inheritdoc/>
    public ValueTask TransferAsync(TransferRequest request, CancellationToken cancel = default) => DoAsync("transfer", request, AdminJson.Default.TransferRequest, cancel);

    /// <inheritdoc/>
    public async ValueTask TakeBackupAsync(CancellationToken cancel = default)
    {
        using var response = await http.PostAsync("backup", null, cancel).ConfigureAwait(false);
        await ReadAsync(response, AdminJson.Default.AdminDone, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private static async ValueTask<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        var body = await response.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
            return JsonSerializer.Deserialize(body, type) ?? throw new AdminException(502, "the server's answer is empty");
        throw new AdminException((int)response.StatusCode, FailureOf(body) ?? $"the server answered {(int)response.StatusCode}");
    }

    private static string? FailureOf(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, AdminJson.Default.AdminFailure)?.Error;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async ValueTask DoAsync<T>(string verb, T request, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await http.PostAsync(verb, content, cancel).ConfigureAwait(false);
        await ReadAsync(response, AdminJson.Default.AdminDone, cancel).ConfigureAwait(false);
    }
}
