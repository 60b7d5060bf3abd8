using System.Collections.Frozen;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>Every method of Qdrant's gRPC that is served, by its path.</summary>
internal static class GrpcMethods
{
    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<GrpcMethod> All = [.. CollectionMethods.All, .. PointMethods.All, .. ServiceMethods.All];

    /// <summary>By path.</summary>
    public static readonly FrozenDictionary<string, GrpcMethod> ByPath = All.ToFrozenDictionary(method => method.Path, StringComparer.Ordinal);
}
