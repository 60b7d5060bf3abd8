using Holdfast.Vectors.Endpoints.Access;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>What is asked of the service and not of a collection, in the protocol's envelope: issues.</summary>
internal static class ServiceRoutes
{
    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("GET", "/issues", AccessRight.Open, IssuesAsync),
        new("DELETE", "/issues", AccessRight.Manage, _ => new(CollectionRoutes.True)),
    ];

    /// <summary>Nothing is proposed here: what Qdrant calls an issue, a missing payload index, is made when it is asked for.</summary>
    private static ValueTask<WriteResult> IssuesAsync(VectorCall call) => new(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("issues");
        writer.WriteEndArray();
        writer.WriteEndObject();
    });
}
