using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// Chooses the codes by which a column of a segment is walked. 8-bit codes are tried first (<see cref="CodeTrial"/>): those that are there, those that all of its rows teach, those whose range holds the rows that lie
/// furthest out. The first that tell all of these apart are used, else the first that tell most rows apart; where there are none, the graph is walked by the full vectors. Other codes are somebody's wish, and
/// measured again by as much as they need.
/// </summary>
/// <param name="column">The column.</param>
/// <param name="visible">Its rows.</param>
/// <param name="known">The codes that are there; null for none.</param>
internal sealed class CodeChoice(VectorColumn column, int visible, RowCodec? known)
{
    /// <summary>Codes that lose more of what is closest are not used.</summary>
    private const double FoundMin = 0.95;

    private readonly VectorParams settings = column.Params;

    /// <summary>What was chosen; null for the full vectors.</summary>
    public RowCodec? Codec { get; private set; }

    /// <summary>Carries it out, in batches of some milliseconds.</summary>
    public IEnumerable<bool> Steps()
    {
        Codec = known ?? Learn(settings.Quantization, []);
        if (Codec is not Int8Codec first) yield break;
        (Codec, var outermost) = (null, Array.Empty<int>());
        for (var tries = 0; tries < 3; tries++)
        {
            if (tries == 1 && known is null) continue; // They were learnt just now.
            var codec = tries == 0 ? first : (Int8Codec)Learn(tries == 1 ? settings.Quantization : settings.Quantization with { Quantile = 1 }, tries == 1 ? [] : outermost)!;
            var trial = new CodeTrial(column, visible, codec);
            foreach (var step in trial.Steps()) yield return step;
            outermost = [.. trial.OutermostRows];
            if (trial.FoundAmongMost < FoundMin) continue;
            Codec ??= codec;
            if (trial.FoundOutside < FoundMin) continue;
            Codec = codec;
            yield break;
        }
    }

    /// <summary>Some components of a column's rows, whole vectors, spread over all of them.</summary>
    private List<float> Sample()
    {
        var (rows, size) = (Math.Min(RowCodec.SampleRows, visible), column.Params.Size);
        var sample = new List<float>(Math.Min(rows * size, 1 << 20));
        var step = Math.Max(1, visible / Math.Max(1, rows));
        for (var row = 0; row < visible && sample.Count < 1 << 20; row += step)
            if (column.IsLive(row)) sample.AddRange(column.Read(row));
        return sample;
    }

    private RowCodec? Learn(Quantization quantization, int[] besides)
    {
        var sample = Sample();
        foreach (var row in besides) sample.AddRange(column.Read(row));
        return VectorIndex.Learn(settings with { Quantization = quantization }, sample.ToArray());
    }
}
