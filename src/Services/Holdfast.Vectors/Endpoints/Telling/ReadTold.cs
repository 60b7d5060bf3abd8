using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Endpoints.Telling;

/// <summary>What a reply says of how it was found, beside Qdrant's own fields: shards that are missing, how fresh it is where it need not be fresh, and all of it when asked to explain.</summary>
internal static class ReadTold
{
    /// <summary>Writes the fields that there is something to say in.</summary>
    public static void Write(Utf8JsonWriter writer, VectorCall call)
    {
        var missing = call.Scopes.SelectMany(scope => scope.Missing).Distinct().Order().ToArray();
        if (missing.Length > 0)
        {
            writer.WriteStartObject("partial");
            writer.WriteStartArray("shards_missing");
            foreach (var shard in missing) writer.WriteNumberValue(shard);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        var seen = call.Scopes.SelectMany(scope => scope.Seen).ToArray();
        if (call.Level == ReadLevel.Eventual && seen.Length > 0)
        {
            writer.WriteStartArray("freshness");
            foreach (var answer in seen.GroupBy(each => each.Shard).Select(each => each.MinBy(one => one.Answer.Applied)!)) WriteFreshness(writer, answer);
            writer.WriteEndArray();
        }

        if (call.WantsExplanation) WriteExplanation(writer, call.Level, seen);
    }

    private static void WriteFreshness(Utf8JsonWriter writer, ShardSeen seen)
    {
        writer.WriteStartObject();
        writer.WriteNumber("shard", seen.Shard);
        WritePosition(writer, seen);
        writer.WriteEndObject();
    }

    private static void WritePosition(Utf8JsonWriter writer, ShardSeen seen)
    {
        writer.WriteString("node", seen.Answer.Node.ToString(CultureInfo.InvariantCulture));
        writer.WriteNumber("applied", seen.Answer.Applied);
        writer.WriteNumber("behind", seen.Answer.Committed - Math.Min(seen.Answer.Committed, seen.Answer.Applied));
    }

    private static void WriteExplanation(Utf8JsonWriter writer, ReadLevel level, ShardSeen[] seen)
    {
        writer.WriteStartObject("explain");
        writer.WriteString("consistency", level.ToString().ToLowerInvariant());
        writer.WriteStartArray("stages");
        foreach (var stage in seen)
        {
            writer.WriteStartObject();
            writer.WriteString("question", stage.Question);
            writer.WriteNumber("shard", stage.Shard);
            WritePosition(writer, stage);
            writer.WriteNumber("micros", stage.Micros);
            writer.WriteNumber("points", stage.Answer.Points.Count);
            if (stage.Answer.Traces.Count > 0) WriteSegments(writer, stage);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteSegments(Utf8JsonWriter writer, ShardSeen stage)
    {
        writer.WriteStartArray("segments");
        foreach (var trace in stage.Answer.Traces)
        {
            writer.WriteStartObject();
            writer.WriteNumber("segment", trace.Segment);
            writer.WriteString("strategy", trace.Strategy);
            writer.WriteNumber("rows", trace.Rows);
            writer.WriteNumber("visited", trace.Visited);
            writer.WriteNumber("scanned", trace.Scanned);
            if (trace.Levels > 0)
            {
                writer.WriteNumber("levels", trace.Levels);
                writer.WriteNumber("candidates", trace.Candidates);
                writer.WriteString("walked_by", trace.Encoding.ToString().ToLowerInvariant());
                writer.WriteString("graph", trace.Origin.ToString().ToLowerInvariant());
            }

            if (trace.Filter.Length > 0)
            {
                writer.WriteString("filter", trace.Filter);
                writer.WriteNumber("admitted", trace.Admitted);
                writer.WriteNumber("filter_micros", trace.FilterMicros);
            }

            writer.WriteNumber("search_micros", trace.SearchMicros);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
