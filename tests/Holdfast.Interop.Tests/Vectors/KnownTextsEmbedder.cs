using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>OpenAI's embeddings protocol over vectors that a real model (MiniLM, 384 dimensions) made before: a text is known by the title that it holds.</summary>
internal sealed class KnownTextsEmbedder : IAsyncDisposable
{
    public const int Dimensions = 384;

    private readonly HttpListener listener = new();
    private readonly List<(string Title, float[] Vector)> known;
    private readonly Task serving;

    private KnownTextsEmbedder(List<(string Title, float[] Vector)> known)
    {
        this.known = [.. known.OrderByDescending(each => each.Title.Length)];
        var port = Ports.Free(1)[0];
        Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/v1");
        listener.Prefixes.Add(Url + "/");
        listener.Start();
        serving = Task.Run(ServeAsync);
    }

    public string Url { get; }

    public int TextsEmbedded { get; private set; }

    public static KnownTextsEmbedder Of(IEnumerable<(string Title, float[] Vector)> known) => new([.. known]);

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true) await AnswerAsync(await listener.GetContextAsync());
        }
        catch (Exception ended) when (ended is HttpListenerException or ObjectDisposedException)
        {
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var request = await JsonDocument.ParseAsync(context.Request.InputStream);
        await using (var writer = new Utf8JsonWriter(context.Response.OutputStream))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("data");
            var index = 0;
            foreach (var text in request.RootElement.GetProperty("input").EnumerateArray())
            {
                writer.WriteStartObject();
                writer.WriteNumber("index", index++);
                writer.WriteStartArray("embedding");
                foreach (var part in VectorOf(text.GetString()!)) writer.WriteNumberValue(part);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            TextsEmbedded += index;
        }

        context.Response.Close();
    }

    private float[] VectorOf(string text)
    {
        foreach (var (title, vector) in known)
            if (text.Contains(title, StringComparison.Ordinal)) return vector;
        return new float[Dimensions];
    }
}
