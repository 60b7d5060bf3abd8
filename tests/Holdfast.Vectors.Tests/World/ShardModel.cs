using System.Globalization;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.World;

/// <summary>What a shard should hold, said without a line of its code: points by id, command by command; and the commands as entries of its log.</summary>
internal sealed class ShardModel(SeededRandom dice)
{
    public const int Size = 8;
    public const string Config = """{"vectors":{"size":8,"distance":"Cosine"},"hnsw_config":{"full_scan_threshold":2}}""";
    private const int Ids = 3000;

    private ulong written;

    /// <summary>The log.</summary>
    public List<byte[]> Entries { get; } = [ShardCommand.Configure(CollectionConfig.Create(JsonDocument.Parse(Config).RootElement, 1).Json), ShardCommand.CreateIndex("who", """{"type":"keyword","is_tenant":true}""")];

    /// <summary>What is there after each entry; by the number of entries.</summary>
    public List<Dictionary<ulong, (float[] Vector, ulong Number)>> States { get; } = [[], [], []];

    /// <summary>A vector that no other point ever has.</summary>
    public float[] Next()
    {
        var vector = new float[Size];
        for (var at = 0; at < Size; at++) vector[at] = (float)((dice.NextDouble() * 2) - 1);
        StoredVectors.BringToLengthOne(vector);
        return vector;
    }

    /// <summary>A client's next command reaches the log.</summary>
    public void Propose()
    {
        var state = new Dictionary<ulong, (float[] Vector, ulong Number)>(States[^1]);
        switch (dice.Next(10))
        {
            case < 4:
                Upsert(state, dice.Chance(0.2) ? 600 : dice.Next(1, 60), dice.Chance(0.5) ? (ulong)state.Count : (ulong)dice.Next(Ids));
                break;
            case < 6:
                var gone = Some(40);
                foreach (var id in gone) state.Remove(id);
                Entries.Add(ShardCommand.Delete([.. gone.Select(PointId.Of)]));
                break;
            case < 7:
                DeleteOld(state);
                break;
            case < 9:
                var changed = Some(30);
                var number = ++written;
                foreach (var id in changed.Where(state.ContainsKey)) state[id] = (state[id].Vector, number);
                Entries.Add(ShardCommand.OverwritePayload([.. changed.Select(PointId.Of)], PayloadOf(number)));
                break;
            default:
                var moved = Some(10);
                var vectors = moved.Select(_ => Next()).ToArray();
                for (var at = 0; at < moved.Length; at++)
                    if (state.TryGetValue(moved[at], out var old)) state[moved[at]] = (vectors[at], old.Number);
                Entries.Add(ShardCommand.UpdateVectors([.. moved.Select((id, at) => new PointWrite(PointId.Of(id), Payload.Empty, [new("", vectors[at])]))], _ => 0));
                break;
        }

        States.Add(state);
    }

    /// <summary>Every write has a number of its own, and one of five tenants.</summary>
    public static Payload PayloadOf(ulong number) => Payload.From(JsonDocument.Parse($$"""{"n":{{number}},"who":"{{TenantOf(number)}}"}""").RootElement);

    public static string TenantOf(ulong number) => $"t{number % 5}";

    private void Upsert(Dictionary<ulong, (float[] Vector, ulong Number)> state, int count, ulong from)
    {
        var points = new List<PointWrite>();
        for (var id = from; id < from + (ulong)count; id++)
        {
            state[id] = (Next(), ++written);
            points.Add(new PointWrite(PointId.Of(id), PayloadOf(written), [new("", state[id].Vector)]));
        }

        Entries.Add(ShardCommand.Upsert(points, _ => 0));
    }

    /// <summary>A deletion by filter: its ids were found some entries ago, and some of them do not pass any more.</summary>
    private void DeleteOld(Dictionary<ulong, (float[] Vector, ulong Number)> state)
    {
        var before = States[Math.Max(1, States.Count - 1 - dice.Next(3))];
        var bound = written / 3;
        ulong[] ids = [.. before.Where(each => each.Value.Number < bound).Select(each => each.Key).Order().Take(50), .. Some(5)];
        ids = [.. ids.Distinct()];
        foreach (var id in ids)
            if (state.TryGetValue(id, out var point) && point.Number < bound) state.Remove(id);
        Entries.Add(ShardCommand.Delete([.. ids.Select(PointId.Of)], string.Create(CultureInfo.InvariantCulture, $$$"""{"must":[{"key":"n","range":{"lt":{{{bound}}}}}]}""")));
    }

    private ulong[] Some(int count) => [.. Enumerable.Range(0, count).Select(_ => (ulong)dice.Next(Ids)).Distinct()];
}
