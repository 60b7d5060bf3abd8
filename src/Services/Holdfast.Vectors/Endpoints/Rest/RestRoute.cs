using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Writes a route's result.</summary>
internal delegate void WriteResult(Utf8JsonWriter writer);

/// <summary>
/// A row of the table: what is asked for, who may, and by whom it is answered. The page of the API's state is made from these rows.
/// </summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Pattern">The path; <c>{name}</c> stands for any one part.</param>
/// <param name="Right">What the caller must be allowed.</param>
/// <param name="Answer">Answers; the result is written into the protocol's envelope.</param>
internal sealed record RestRoute(string Method, string Pattern, AccessRight Right, Func<VectorCall, ValueTask<WriteResult>> Answer)
{
    private readonly string[] parts = Pattern.Trim('/').Split('/');

    /// <summary>Whether its body is a file, which is not read before the route asks for it.</summary>
    public bool TakesFile { get; init; }

    /// <summary>Whether the path is of this pattern; its named parts, unescaped.</summary>
    public bool Matches(string[] path, out Dictionary<string, string> named)
    {
        named = [];
        if (path.Length != parts.Length) return false;
        for (var at = 0; at < parts.Length; at++)
        {
            if (parts[at].StartsWith('{')) named[parts[at][1..^1]] = path[at].Replace("%2F", "/", StringComparison.OrdinalIgnoreCase); // The one sign that the server leaves as it came.
            else if (parts[at] != path[at]) return false;
        }

        return true;
    }
}
