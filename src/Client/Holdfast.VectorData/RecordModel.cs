using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;
using Microsoft.Extensions.VectorData.ProviderServices;

namespace Holdfast.VectorData;

/// <summary>Which types a record's properties may have, and which of them is the key, the data, the vectors.</summary>
internal sealed class RecordModel() : CollectionModelBuilder(new CollectionModelBuildingOptions { RequiresAtLeastOneVector = false, SupportsMultipleVectors = true })
{
    private const string DataTypes = "string, bool, int, long, float, double, DateTimeOffset, DateTime, Guid, or an array or list of them";
    private const string VectorTypes = "ReadOnlyMemory<float>, Embedding<float>, float[]";

    private static readonly Type[] Values = [typeof(string), typeof(bool), typeof(int), typeof(long), typeof(float), typeof(double), typeof(DateTimeOffset), typeof(DateTime), typeof(Guid)];

    /// <summary>Of a record's type.</summary>
    [RequiresDynamicCode("Records are read and written through their properties.")]
    [RequiresUnreferencedCode("Records are read and written through their properties.")]
    public static CollectionModel Of(Type record, Type key, VectorStoreCollectionDefinition? definition, IEmbeddingGenerator? generator) =>
        record == typeof(Dictionary<string, object?>) ? throw new ArgumentException("a record without a type of its own is GetDynamicCollection's") : new RecordModel().Build(record, key, definition, generator);

    /// <summary>Of a definition alone.</summary>
    public static CollectionModel OfDynamic(VectorStoreCollectionDefinition definition, IEmbeddingGenerator? generator) => new RecordModel().BuildDynamic(definition, generator);

    protected override void ValidateKeyProperty(KeyPropertyModel keyProperty)
    {
        if (keyProperty.Type != typeof(ulong) && keyProperty.Type != typeof(Guid)) throw new NotSupportedException($"the key {keyProperty.ModelName} is a {keyProperty.Type.Name}: a point's key is a ulong or a Guid");
    }

    protected override bool SupportsKeyAutoGeneration(Type keyPropertyType) => keyPropertyType == typeof(Guid);

    protected override bool IsDataPropertyTypeValid(Type type, [NotNullWhen(false)] out string? supportedTypes)
    {
        supportedTypes = DataTypes;
        return Values.Contains(Nullable.GetUnderlyingType(type) ?? type) || (ElementOf(type) is { } element && Values.Contains(element));
    }

    protected override bool IsVectorPropertyTypeValid(Type type, [NotNullWhen(false)] out string? supportedTypes)
    {
        supportedTypes = VectorTypes;
        return type == typeof(ReadOnlyMemory<float>) || type == typeof(ReadOnlyMemory<float>?) || type == typeof(Embedding<float>) || type == typeof(float[]);
    }

    /// <summary>The element's type of an array or list; null for another.</summary>
    public static Type? ElementOf(Type type) => type.IsArray ? type.GetElementType() : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(List<>) ? type.GetGenericArguments()[0] : null;
}
