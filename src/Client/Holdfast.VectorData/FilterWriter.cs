using System.Collections;
using System.Linq.Expressions;
using System.Text.Json;
using Microsoft.Extensions.VectorData.ProviderServices;
using Microsoft.Extensions.VectorData.ProviderServices.Filter;

namespace Holdfast.VectorData;

/// <summary>An expression over a record as Qdrant's filter: comparisons of a property with a value, joined by and, or, not.</summary>
internal sealed class FilterWriter(Utf8JsonWriter writer) : FilterTranslatorBase
{
    /// <summary>Writes the filter as an object.</summary>
    public void Write(LambdaExpression expression, CollectionModel model)
    {
        var prepared = PreprocessFilter(expression, model, new FilterPreprocessingOptions());
        WriteList("must", prepared);
    }

    private void WriteList(string clause, params Expression[] conditions)
    {
        writer.WriteStartObject();
        writer.WriteStartArray(clause);
        foreach (var condition in conditions) WriteCondition(condition);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WriteCondition(Expression node)
    {
        switch (node)
        {
            case BinaryExpression { NodeType: ExpressionType.AndAlso } both: WriteList("must", both.Left, both.Right); break;
            case BinaryExpression { NodeType: ExpressionType.OrElse } either: WriteList("should", either.Left, either.Right); break;
            case UnaryExpression { NodeType: ExpressionType.Not } not: WriteList("must_not", not.Operand); break;
            case UnaryExpression { NodeType: ExpressionType.Convert } converted when converted.Type == typeof(bool): WriteCondition(converted.Operand); break;
            case BinaryExpression compared: WriteComparison(compared); break;
            case MethodCallExpression call when TryMatchContains(call, out var source, out var item): WriteContains(source, item); break;
            case MethodCallExpression { Method.Name: nameof(Enumerable.Any), Arguments: [var list, LambdaExpression { Parameters: [var each], Body: MethodCallExpression within }] }
                when TryBindProperty(list, out var listed) && TryMatchContains(within, out var values, out var one) && one == each: WriteMatch(listed, "any", ValueOf(values)); break;
            case ConstantExpression { Value: false }: WriteList("must_not", Expression.Constant(true)); break;
            case ConstantExpression { Value: true }: WriteList("must"); break;
            case var truth when TryBindProperty(truth, out var property): WriteMatch(property, "value", true); break;
            default: throw new NotSupportedException($"no filter says {node}");
        }
    }

    private void WriteComparison(BinaryExpression compared)
    {
        var (left, right, kind) = (compared.Left, compared.Right, compared.NodeType);
        if (!TryBindProperty(left, out var property))
        {
            if (!TryBindProperty(right, out property)) throw new NotSupportedException($"no filter says {compared}");
            (right, kind) = (left, kind switch
            {
                ExpressionType.LessThan => ExpressionType.GreaterThan,
                ExpressionType.LessThanOrEqual => ExpressionType.GreaterThanOrEqual,
                ExpressionType.GreaterThan => ExpressionType.LessThan,
                ExpressionType.GreaterThanOrEqual => ExpressionType.LessThanOrEqual,
                var same => same,
            });
        }

        var value = ValueOf(right);
        if (property is KeyPropertyModel && (kind is not (ExpressionType.Equal or ExpressionType.NotEqual) || value is null)) throw new NotSupportedException($"no filter says {compared}: a key is equal to a value, or is not");
        switch (kind)
        {
            case ExpressionType.Equal: WriteEqual(property, value); break;
            case ExpressionType.NotEqual:
                writer.WriteStartObject();
                writer.WriteStartArray("must_not");
                WriteEqual(property, value);
                writer.WriteEndArray();
                writer.WriteEndObject();
                break;
            case ExpressionType.LessThan: WriteRange(property, "lt", value); break;
            case ExpressionType.LessThanOrEqual: WriteRange(property, "lte", value); break;
            case ExpressionType.GreaterThan: WriteRange(property, "gt", value); break;
            case ExpressionType.GreaterThanOrEqual: WriteRange(property, "gte", value); break;
            default: throw new NotSupportedException($"no filter says {compared}");
        }
    }

    private void WriteEqual(PropertyModel property, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteStartObject();
                writer.WriteStartObject("is_empty");
                writer.WriteString("key", property.StorageName);
                writer.WriteEndObject();
                writer.WriteEndObject();
                break;
            case float or double or DateTime or DateTimeOffset: WriteRange(property, "gte", value, "lte"); break;
            default: WriteMatch(property, "value", value); break;
        }
    }

    private void WriteContains(Expression source, Expression item)
    {
        if (TryBindProperty(source, out var list)) WriteMatch(list, "value", ValueOf(item));
        else if (TryBindProperty(item, out var property)) WriteMatch(property, "any", ValueOf(source));
        else throw new NotSupportedException("Contains compares a property with values");
    }

    private void WriteMatch(PropertyModel property, string word, object? value)
    {
        if (property is KeyPropertyModel)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("has_id");
            RecordJson.WriteValue(writer, value is IEnumerable and not string ? value : new[] { value });
            writer.WriteEndObject();
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("key", property.StorageName);
        writer.WriteStartObject("match");
        writer.WritePropertyName(word);
        RecordJson.WriteValue(writer, value);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private void WriteRange(PropertyModel property, string bound, object? value, string? other = null)
    {
        writer.WriteStartObject();
        writer.WriteString("key", property.StorageName);
        writer.WriteStartObject("range");
        writer.WritePropertyName(bound);
        RecordJson.WriteValue(writer, value);
        if (other is not null)
        {
            writer.WritePropertyName(other);
            RecordJson.WriteValue(writer, value);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static object? ValueOf(Expression node) => node switch
    {
        ConstantExpression constant => constant.Value,
        UnaryExpression { NodeType: ExpressionType.Convert } converted => ValueOf(converted.Operand),
        NewArrayExpression list => list.Expressions.Select(ValueOf).ToArray(),
        _ => throw new NotSupportedException($"{node} is no value that is known before the search"),
    };
}
