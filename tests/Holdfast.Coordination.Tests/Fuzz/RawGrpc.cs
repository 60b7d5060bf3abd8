using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;

namespace Holdfast.Coordination.Tests.Fuzz;

/// <summary>gRPC calls whose bytes may be anything.</summary>
internal sealed class RawGrpc(string server) : IDisposable
{
    private readonly HttpClient http = new();

    /// <summary>One message in its frame: a flag, a length, the bytes.</summary>
    public static byte[] Framed(ReadOnlySpan<byte> message, byte flag = 0, uint? length = null)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), length ?? (uint)message.Length);
        message.CopyTo(frame.AsSpan(5));
        return frame;
    }

    /// <summary>The status, its text, and the message that came back; status -1 when the server reset the call.</summary>
    public async Task<(int Status, string Text, byte[] Answer)> CallAsync(string path, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, server + path) { Content = new ByteArrayContent(body), Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        try
        {
            using var response = await http.SendAsync(request);
            var answer = await response.Content.ReadAsByteArrayAsync();
            var status = Of(response, "grpc-status");
            Assert.NotNull(status);
            return (int.Parse(status), Uri.UnescapeDataString(Of(response, "grpc-message") ?? ""), answer.Length > 5 ? answer[5..] : []);
        }
        catch (HttpRequestException reset)
        {
            return (-1, reset.Message, []);
        }
    }

    /// <summary>
    /// A stream whose requests end with the body and whose deadline is near, for what it asks for may last. The status, and all that came; status -1 when the server reset the call, -2 when it ended without one.
    /// </summary>
    public async Task<(int Status, byte[] Answer)> StreamAsync(string path, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, server + path) { Content = new ByteArrayContent(body), Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.Add("grpc-timeout", "300m");
        var answer = new MemoryStream();
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await response.Content.CopyToAsync(answer);
            return (int.Parse(Of(response, "grpc-status") ?? "-2"), answer.ToArray());
        }
        catch (HttpRequestException)
        {
            return (-1, answer.ToArray());
        }
    }

    public void Dispose() => http.Dispose();

    private static string? Of(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var trailing) || response.Headers.TryGetValues(name, out trailing) ? trailing.First() : null;
}
