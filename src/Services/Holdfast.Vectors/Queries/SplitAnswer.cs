using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Queries;

/// <summary>How far a shard is in a split. It travels as an answer's named values.</summary>
/// <param name="Hold">What the shard has.</param>
/// <param name="Settings">The hash of its configuration and indexes.</param>
/// <param name="Points">How many points the part has that was asked about.</param>
/// <param name="Hash">The sum of their hashes.</param>
internal sealed record SplitAnswer(ShardHold Hold, ulong Settings, long Points, ulong Hash)
{
    /// <summary>Before the name of the value that carries the fences.</summary>
    private const string FencesName = "fences ";

    /// <summary>The locks that the shard knows, with their tokens, as <see cref="ShardFences.Written"/> has them, in base64; empty for none.</summary>
    public string Fences { get; init; } = "";

    /// <summary>Looks at a shard. Counting walks over all rows, on any thread.</summary>
    public static SplitAnswer Of(ShardState state, ulong settings, HashPart? part)
    {
        if (part is not { } counted) return new SplitAnswer(state.Hold, settings, 0, 0);
        var (points, hash) = (new HashSet<PointId>(), 0UL);
        foreach (var (segment, row) in PayloadScan.Rows(state, null))
            if (segment.IdOf(row) is var id && counted.Has(id) && points.Add(id)) hash += PointStore.HashOf(id, segment, row);
        return new SplitAnswer(state.Hold, settings, points.Count, hash);
    }

    /// <summary>As an answer.</summary>
    public ShardAnswer ToAnswer() => new()
    {
        Values =
        [
            new("depth", Hold.Part.Depth), new("bits", (long)Hold.Part.Bits), new("expecting", Hold.IsExpecting ? 1 : 0),
            new("leaving_depth", Hold.Leaving.Depth), new("leaving_bits", (long)Hold.Leaving.Bits),
            new("sealed", (long)Hold.SealedAt.Value), new("adopted", (long)Hold.AdoptedAt.Value), new("released", (long)Hold.ReleasedAt.Value),
            new("settings", (long)Settings), new("points", Points), new("hash", (long)Hash), new(FencesName + Fences, 0),
        ],
    };

    /// <summary>Out of an answer.</summary>
    public static SplitAnswer Read(ShardAnswer answer)
    {
        var values = answer.Values.ToDictionary(each => each.Key, each => each.Value, StringComparer.Ordinal);
        ulong Number(string name) => (ulong)values.GetValueOrDefault(name);
        var hold = new ShardHold(new HashPart((byte)Number("depth"), Number("bits")), Number("expecting") != 0, new HashPart((byte)Number("leaving_depth"), Number("leaving_bits")),
            new LogIndex(Number("sealed")), new LogIndex(Number("adopted")), new LogIndex(Number("released")));
        var fences = values.Keys.FirstOrDefault(name => name.StartsWith(FencesName, StringComparison.Ordinal)) ?? FencesName;
        return new SplitAnswer(hold, Number("settings"), values.GetValueOrDefault("points"), Number("hash")) { Fences = fences[FencesName.Length..] };
    }
}
