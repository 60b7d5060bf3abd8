using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;

namespace Holdfast.Vectors.Endpoints.Access;

/// <summary>What a token rests on: it holds only while a collection has a point with these values (Qdrant's claim <c>value_exists</c>). Deleting the point takes the token back.</summary>
/// <param name="Collection">Where the point is.</param>
/// <param name="Filter">What must be true of it.</param>
internal sealed record ValueExists(string Collection, Filter Filter)
{
    /// <summary>Reads the claim: <c>{"collection":…,"matches":[{"key":…,"value":…}]}</c>.</summary>
    /// <exception cref="VectorFault">It is not of that shape.</exception>
    public static ValueExists Read(JsonElement claim)
    {
        try
        {
            var matches = claim.GetProperty("matches").EnumerateArray().Select(match => $$$"""{"key":{{{match.GetProperty("key").GetRawText()}}},"match":{"value":{{{match.GetProperty("value").GetRawText()}}}}}""");
            return new ValueExists(claim.GetProperty("collection").GetString()!, FilterParser.Parse($$"""{"must":[{{string.Join(',', matches)}}]}""")!);
        }
        catch (Exception broken) when (broken is KeyNotFoundException or InvalidOperationException or ArgumentNullException or VectorFault)
        {
            throw VectorFault.Unauthorized("Invalid JWT: value_exists has another shape");
        }
    }

    /// <summary>Refuses when no point has the values, with everything that was acknowledged before; a collection that is not there has none.</summary>
    /// <exception cref="VectorFault">The token holds no more.</exception>
    public async ValueTask RequireAsync(VectorFace face, CancellationToken cancel)
    {
        var known = await face.Collections.FindAsync(Collection, cancel).ConfigureAwait(false);
        if (known is null || await face.CountAsync(known, Filter, ReadScope.Strong(cancel)).ConfigureAwait(false) == 0) throw VectorFault.Unauthorized("Invalid JWT, stateful validation failed");
    }
}
