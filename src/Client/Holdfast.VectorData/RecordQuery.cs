using System.Linq.Expressions;
using System.Text.Json;
using Microsoft.Extensions.VectorData.ProviderServices;

namespace Holdfast.VectorData;

/// <summary>What every search asks for beside its vectors.</summary>
/// <param name="Model">What a record consists of.</param>
/// <param name="Top">How many records.</param>
/// <param name="Skip">How many of the best are left out.</param>
/// <param name="ScoreThreshold">The worst score that counts; null for any.</param>
/// <param name="IncludeVectors">Whether records come with their vectors.</param>
/// <param name="Filter">Which records count; null for all.</param>
internal sealed record RecordQuery(CollectionModel Model, int Top, int Skip, double? ScoreThreshold, bool IncludeVectors, LambdaExpression? Filter)
{
    /// <summary>Writes it as members of a query.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteNumber("limit", Top);
        if (Skip > 0) writer.WriteNumber("offset", Skip);
        if (ScoreThreshold is { } threshold) writer.WriteNumber("score_threshold", threshold);
        writer.WriteBoolean("with_payload", true);
        writer.WriteBoolean("with_vector", IncludeVectors);
        WriteFilter(writer);
    }

    /// <summary>Writes which records count; nothing where all do.</summary>
    public void WriteFilter(Utf8JsonWriter writer)
    {
        if (Filter is null) return;
        writer.WritePropertyName("filter");
        new FilterWriter(writer).Write(Filter, Model);
    }
}
