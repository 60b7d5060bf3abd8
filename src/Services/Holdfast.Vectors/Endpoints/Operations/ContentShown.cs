using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>What a reply shows of each point, and so what is asked of the shards.</summary>
/// <param name="Payload">Of its payload.</param>
/// <param name="Vectors">Of its vectors.</param>
/// <param name="Wanted">The same, as shards are asked.</param>
internal sealed record ContentShown(PayloadSelection Payload, VectorSelection Vectors, ContentWanted Wanted)
{
    /// <summary>Reads <c>with_payload</c> and <c>with_vector</c> (or <c>with_vectors</c>).</summary>
    public static ContentShown Read(JsonElement body, CollectionConfig config, bool hasPayloadByDefault) =>
        Of(PayloadSelection.Read(Json.Field(body, "with_payload"), hasPayloadByDefault), VectorSelection.Read(Json.Field(body, "with_vector") ?? Json.Field(body, "with_vectors")), config);

    /// <summary>What these selections ask of the shards.</summary>
    public static ContentShown Of(PayloadSelection payload, VectorSelection vectors, CollectionConfig config)
    {
        var columns = 0UL;
        if (vectors.IsWanted && vectors.Only is null) columns = ulong.MaxValue;
        else if (vectors.IsWanted)
            foreach (var name in vectors.Only!) columns |= 1UL << config.ColumnOf(name);
        return new ContentShown(payload, vectors, new ContentWanted(payload.IsWanted, columns));
    }
}
