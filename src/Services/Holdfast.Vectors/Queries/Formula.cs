using System.Text.Json;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>What a formula is computed for: a point, and the scores that the prefetched lists gave it.</summary>
/// <param name="Id">The point.</param>
/// <param name="Root">Its payload.</param>
/// <param name="Scores">By list; NaN where it was not found.</param>
/// <param name="Defaults">What stands for a variable that is not there.</param>
internal readonly record struct FormulaSubject(PointId Id, JsonElement Root, IReadOnlyList<float> Scores, IReadOnlyDictionary<string, JsonElement> Defaults)
{
    /// <summary>The score that a list gave, or what stands for it.</summary>
    public double Score(int list)
    {
        if (list < Scores.Count && !float.IsNaN(Scores[list])) return Scores[list];
        return Defaults.TryGetValue($"$score[{list.ToString(System.Globalization.CultureInfo.InvariantCulture)}]", out var given) || (list == 0 && Defaults.TryGetValue("$score", out given)) ? given.GetDouble() : 0;
    }
}

/// <summary>A score as an expression over scores and payloads, as Qdrant writes it.</summary>
/// <param name="Root">The expression.</param>
/// <param name="Defaults">What stands for variables that are not there.</param>
internal sealed record Formula(FormulaNode Root, IReadOnlyDictionary<string, JsonElement> Defaults)
{
    /// <summary>The score.</summary>
    /// <exception cref="VectorFault">It is no finite number.</exception>
    public float Of(PointId id, JsonElement payload, IReadOnlyList<float> scores)
    {
        var score = Root.Of(new FormulaSubject(id, payload, scores, Defaults));
        return double.IsFinite(score) ? (float)score : throw VectorFault.BadInput($"the formula's score for point {id} is no finite number");
    }
}

/// <summary>A part of a formula.</summary>
internal abstract record FormulaNode
{
    /// <summary>Its value.</summary>
    public abstract double Of(in FormulaSubject subject);
}

/// <summary>A number.</summary>
internal sealed record ConstantNode(double Value) : FormulaNode
{
    public override double Of(in FormulaSubject subject) => Value;
}

/// <summary>The score of a prefetched list.</summary>
internal sealed record ScoreNode(int List) : FormulaNode
{
    public override double Of(in FormulaSubject subject) => subject.Score(List);
}

/// <summary>The first number at a payload's key.</summary>
internal sealed record KeyNode(PayloadPath Path) : FormulaNode
{
    public override double Of(in FormulaSubject subject)
    {
        foreach (var value in Path.Values(subject.Root))
            if (value.ValueKind == JsonValueKind.Number) return value.GetDouble();
        if (subject.Defaults.TryGetValue(Path.Text, out var given) && given.ValueKind == JsonValueKind.Number) return given.GetDouble();
        throw VectorFault.BadInput($"No numerical value found for variable {Path.Text} in point {subject.Id}, and no default was given");
    }
}

/// <summary>One where a condition holds, else nothing.</summary>
internal sealed record ConditionNode(Filter Condition) : FormulaNode
{
    public override double Of(in FormulaSubject subject) => Condition.Passes(new FilterSubject(subject.Id, subject.Root, static _ => false)) ? 1 : 0;
}

/// <summary>A moment at a payload's key, in seconds since the Unix epoch.</summary>
internal sealed record MomentNode(PayloadPath Path) : FormulaNode
{
    public override double Of(in FormulaSubject subject)
    {
        foreach (var value in Path.Values(subject.Root))
            if (value.ValueKind == JsonValueKind.String && Moments.TryParse(value.GetString()!, out var micros)) return micros / 1e6;
        if (subject.Defaults.TryGetValue(Path.Text, out var given) && given.ValueKind == JsonValueKind.String && Moments.TryParse(given.GetString()!, out var otherwise)) return otherwise / 1e6;
        throw VectorFault.BadInput($"No datetime value found for variable {Path.Text} in point {subject.Id}, and no default was given");
    }
}

/// <summary>Metres from a place to the one at a payload's key.</summary>
internal sealed record GeoNode(GeoPoint Origin, PayloadPath Path) : FormulaNode
{
    public override double Of(in FormulaSubject subject)
    {
        foreach (var value in Path.Values(subject.Root))
            if (GeoPoint.TryRead(value, out var point)) return Origin.MetresTo(point);
        if (subject.Defaults.TryGetValue(Path.Text, out var given) && GeoPoint.TryRead(given, out var otherwise)) return Origin.MetresTo(otherwise);
        throw VectorFault.BadInput($"No geo point found for variable {Path.Text} in point {subject.Id}, and no default was given");
    }
}

/// <summary>Several values made into one.</summary>
internal sealed record FoldNode(IReadOnlyList<FormulaNode> Parts, bool IsProduct) : FormulaNode
{
    public override double Of(in FormulaSubject subject)
    {
        var folded = IsProduct ? 1.0 : 0.0;
        foreach (var part in Parts)
        {
            // Nothing times whatever it may be is nothing: a condition that does not hold spares the rest.
            if (IsProduct && folded == 0) return 0;
            folded = IsProduct ? folded * part.Of(subject) : folded + part.Of(subject);
        }

        return folded;
    }
}

/// <summary>One value made into another.</summary>
internal sealed record MapNode(FormulaNode Part, Func<double, double> Map) : FormulaNode
{
    public override double Of(in FormulaSubject subject) => Map(Part.Of(subject));
}

/// <summary>A quotient; by nothing, what was given for that.</summary>
internal sealed record QuotientNode(FormulaNode Left, FormulaNode Right, double? ByZero) : FormulaNode
{
    public override double Of(in FormulaSubject subject)
    {
        var left = Left.Of(subject);
        if (left == 0) return 0;
        var right = Right.Of(subject);
        return right != 0 ? left / right : ByZero ?? throw VectorFault.BadInput("the formula divides by zero, and by_zero_default was not given");
    }
}

/// <summary>A power.</summary>
internal sealed record PowerNode(FormulaNode Base, FormulaNode Exponent) : FormulaNode
{
    public override double Of(in FormulaSubject subject) => Math.Pow(Base.Of(subject), Exponent.Of(subject));
}

/// <summary>How a value fades with its distance from a target.</summary>
internal enum Fading : byte
{
    /// <summary>In a straight line.</summary>
    Linear = 0,

    /// <summary>Exponentially.</summary>
    Exponential = 1,

    /// <summary>As a bell.</summary>
    Gaussian = 2,
}

/// <summary>One at the target, the midpoint at the scale's distance from it.</summary>
internal sealed record FadeNode(Fading Fading, FormulaNode X, FormulaNode Target, double Scale, double Midpoint) : FormulaNode
{
    public override double Of(in FormulaSubject subject)
    {
        var distance = Math.Abs(X.Of(subject) - Target.Of(subject));
        return Fading switch
        {
            Fading.Linear => Math.Max(0, 1 - (distance * (1 - Midpoint) / Scale)),
            Fading.Exponential => Math.Exp(Math.Log(Midpoint) / Scale * distance),
            _ => Math.Exp(Math.Log(Midpoint) / (Scale * Scale) * distance * distance),
        };
    }
}
