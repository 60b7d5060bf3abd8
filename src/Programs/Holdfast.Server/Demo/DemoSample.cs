using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace Holdfast.Server.Demo;

/// <summary>A collection to try vector clients on: colours by name, each a vector of red, green and blue, on all three nodes.</summary>
internal static class DemoSample
{
    private static readonly (string Name, string Tone, int Red, int Green, int Blue)[] Colours =
    [
        ("black", "grey", 0, 0, 0), ("white", "grey", 255, 255, 255), ("silver", "grey", 192, 192, 192), ("slate", "grey", 112, 128, 144),
        ("red", "warm", 255, 0, 0), ("tomato", "warm", 255, 99, 71), ("coral", "warm", 255, 127, 80), ("orange", "warm", 255, 165, 0), ("gold", "warm", 255, 215, 0), ("yellow", "warm", 255, 255, 0),
        ("brown", "warm", 165, 42, 42), ("chocolate", "warm", 210, 105, 30), ("pink", "warm", 255, 192, 203), ("crimson", "warm", 220, 20, 60), ("salmon", "warm", 250, 128, 114), ("maroon", "warm", 128, 0, 0),
        ("lime", "cold", 0, 255, 0), ("green", "cold", 0, 128, 0), ("olive", "warm", 128, 128, 0), ("teal", "cold", 0, 128, 128), ("turquoise", "cold", 64, 224, 208), ("cyan", "cold", 0, 255, 255),
        ("blue", "cold", 0, 0, 255), ("navy", "cold", 0, 0, 128), ("indigo", "cold", 75, 0, 130), ("violet", "cold", 238, 130, 238), ("orchid", "cold", 218, 112, 214), ("plum", "cold", 221, 160, 221),
    ];

    /// <summary>Makes and fills it; the sentence that says so, with a line to try.</summary>
    public static async Task<string> LoadAsync(IReadOnlyList<string> endpoints, CancellationToken cancel)
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://{endpoints[0]}"), Timeout = TimeSpan.FromSeconds(30) };
        var points = string.Join(',', Colours.Select((colour, at) => string.Create(CultureInfo.InvariantCulture, $$$"""{"id":{{{at + 1}}},"vector":[{{{colour.Red}}},{{{colour.Green}}},{{{colour.Blue}}}],"payload":{"name":"{{{colour.Name}}}","tone":"{{{colour.Tone}}}"}}""")));
        try
        {
            await PutAsync(client, "/collections/colours", """{"vectors":{"size":3,"distance":"Euclid"}}""", cancel);
            await PutAsync(client, "/collections/colours/index", """{"field_name":"tone","field_schema":"keyword"}""", cancel);
            await PutAsync(client, "/collections/colours/points", $$"""{"points":[{{points}}]}""", cancel);
        }
        catch (HttpRequestException failed)
        {
            return $"the sample collection could not be made: {failed.Message}";
        }

        return $"vector clients (Qdrant) at {string.Join(", ", endpoints)}; collection colours, {Colours.Length} points   try: curl -s http://{endpoints[^1]}/collections/colours/points/query -d '{{\"query\":[250,110,10],\"limit\":3,\"with_payload\":true}}'";
    }

    private static async Task PutAsync(HttpClient client, string path, string body, CancellationToken cancel)
    {
        using var content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await client.PutAsync(new Uri(path, UriKind.Relative), content, cancel);
        response.EnsureSuccessStatusCode();
    }
}
