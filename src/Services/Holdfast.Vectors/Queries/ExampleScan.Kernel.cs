using System.Numerics;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Queries;

/// <summary>
/// Scores every admitted point against several examples: what a graph built for one distance cannot be walked by. A likeness is the dot product, or less the (squared, for Euclid) distance, so that more is
/// closer.
/// </summary>
internal static unsafe class ExampleScan
{
    /// <summary>The best points, best first.</summary>
    public static List<FoundPoint> Run(ShardState state, ExampleQuestion question)
    {
        var best = new BestScores(question.Limit);
        var scorer = new ExampleScore(question);
        foreach (var segment in state.Store.Segments)
        {
            var admitted = question.Filter is null ? default : AdmittedRows.Of(question.Filter, segment, state);
            if (question.Filter is not null && admitted.Count == 0) continue;
            Scan(segment, question.Column, admitted.Bits, scorer, best, question.ScoreThreshold);
        }

        return [.. best.Rows.Select(row => FoundPoint.Of(row.Segment, row.Row, question.Wanted) with { Score = row.Score })];
    }

    private static void Scan(Segment segment, int columnNumber, ulong[]? admitted, ExampleScore scorer, BestScores best, float? threshold)
    {
        var column = segment.Columns[columnNumber];
        var isDense = column.Params.Kind == VectorKind.Dense;
        var metric = isDense ? GraphFactory.MetricOf(column.Params) : null;
        var likenesses = new float[scorer.Examples.Count];
        float[][] padded = isDense ? [.. scorer.Examples.Select(example => Padded(example.Values, column.Params))] : [];
        var visible = admitted is null ? segment.Visible : Math.Min(segment.Visible, admitted.Length << 6); // Rows come while a search runs.
        for (var word = 0; word << 6 < visible; word++)
        {
            var bits = Volatile.Read(ref column.Live[word]);
            if (admitted is not null) bits &= admitted[word];
            for (; bits != 0; bits &= bits - 1)
            {
                var row = (word << 6) + BitOperations.TrailingZeroCount(bits);
                if (row >= visible) break;
                if (isDense)
                    for (var example = 0; example < likenesses.Length; example++)
                        fixed (float* query = padded[example]) likenesses[example] = -metric((byte*)query, column.Rows.Row(row), column.Rows.RowBytes);
                else
                    Compare(column, column.ReadWhole(row), scorer.Examples, likenesses);
                var score = scorer.Of(likenesses);
                if (threshold is not { } least || score >= least) best.Offer(score, segment, row);
            }
        }

        GC.KeepAlive(column);
    }

    private static void Compare(VectorColumn column, NamedVector vector, IReadOnlyList<NamedVector> examples, float[] likenesses)
    {
        for (var example = 0; example < likenesses.Length; example++) likenesses[example] = VectorScore.Likeness(column.Params, examples[example], vector);
    }

    /// <summary>As kernels read it: zeros up to a whole row.</summary>
    private static float[] Padded(float[] vector, VectorParams column)
    {
        var padded = new float[column.RowBytes / column.ElementBytes];
        vector.CopyTo(padded, 0);
        if (column is { Datatype: VectorDatatype.Uint8, Distance: Distance.Cosine }) StoredVectors.BringToLengthOne(padded);
        return padded;
    }
}

/// <summary>A score out of likenesses, in the order: target if there is one, positive, negative.</summary>
internal sealed class ExampleScore
{
    private readonly ExampleQuestion question;

    /// <summary>Puts the examples in their order.</summary>
    public ExampleScore(ExampleQuestion question)
    {
        this.question = question;
        Examples = [.. (question.Target is { } target ? [target] : Array.Empty<NamedVector>()).Concat(question.Positive).Concat(question.Negative)];
    }

    /// <summary>The examples.</summary>
    public IReadOnlyList<NamedVector> Examples { get; }

    /// <summary>The score.</summary>
    public float Of(ReadOnlySpan<float> likenesses)
    {
        var positive = likenesses.Slice(question.Target is null ? 0 : 1, question.Positive.Count);
        var negative = likenesses[^question.Negative.Count..];
        return question.Rule switch
        {
            ExampleRule.BestScore => BestOf(positive, negative),
            ExampleRule.SumScores => Sum(positive) - Sum(negative),
            ExampleRule.Discover => Ranks(positive, negative) + Squashed(likenesses[0]),
            ExampleRule.Feedback => Weighed(likenesses[0], positive, negative),
            _ => Losses(positive, negative),
        };
    }

    private static float BestOf(ReadOnlySpan<float> positive, ReadOnlySpan<float> negative)
    {
        var (plus, minus) = (Most(positive), Most(negative));
        return plus > minus ? Squashed(plus) : -Squashed(minus);
    }

    private float Weighed(float target, ReadOnlySpan<float> positive, ReadOnlySpan<float> negative)
    {
        var sum = question.Weights[0] * target;
        for (var at = 0; at < positive.Length; at++) sum += question.Weights[at + 1] * (positive[at] - negative[at]);
        return sum;
    }

    private static float Ranks(ReadOnlySpan<float> positive, ReadOnlySpan<float> negative)
    {
        var rank = 0;
        for (var at = 0; at < positive.Length; at++) rank += positive[at] > negative[at] ? 1 : positive[at] < negative[at] ? -1 : 0;
        return rank;
    }

    /// <summary>Nothing for a pair that it stands on the right side of.</summary>
    private static float Losses(ReadOnlySpan<float> positive, ReadOnlySpan<float> negative)
    {
        var loss = 0f;
        for (var at = 0; at < positive.Length; at++) loss += Sigmoid(MathF.Min(positive[at] - negative[at] - 1.1920929e-7f, 0));
        return loss;
    }

    private static float Most(ReadOnlySpan<float> values)
    {
        var most = float.NegativeInfinity;
        foreach (var value in values) most = MathF.Max(most, value);
        return most;
    }

    private static float Sum(ReadOnlySpan<float> values)
    {
        var sum = 0f;
        foreach (var value in values) sum += value;
        return sum;
    }

    private static float Sigmoid(float x) => float.IsInfinity(x) ? MathF.Sign(x) : x / (1 + MathF.Abs(x));

    /// <summary>Into 0 to 1, so that it never outweighs a rank.</summary>
    private static float Squashed(float x) => 0.5f * (Sigmoid(x) + 1);
}

/// <summary>The rows with the largest scores; room grows with what is found, whatever the limit says. Equal ones are in the order of their ids.</summary>
internal sealed class BestScores(int limit)
{
    private readonly SortedSet<(float Score, Segment Segment, int Row)> rows = new(Comparer<(float Score, Segment Segment, int Row)>.Create(static (one, other) =>
        one.Score != other.Score ? other.Score.CompareTo(one.Score) : one.Segment.IdOf(one.Row).CompareTo(other.Segment.IdOf(other.Row))));

    /// <summary>Best first.</summary>
    public IEnumerable<(float Score, Segment Segment, int Row)> Rows => rows;

    /// <summary>Takes a row if it is good enough.</summary>
    public void Offer(float score, Segment segment, int row)
    {
        if (limit <= 0 || (rows.Count >= limit && score < rows.Max.Score)) return;
        rows.Add((score, segment, row));
        if (rows.Count > limit) rows.Remove(rows.Max);
    }
}
