using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Vectors.Routing;

/// <summary>
/// What a client has written, by shard: a write's reply carries it (<c>holdfast-session</c>), and a read that brings it back sees those writes at any replica, without a round to a quorum where the replica has
/// them already. Text such as <c>3f2a…/0=17,3f2a…/1=9</c>; newer positions replace older ones.
/// </summary>
internal sealed class SessionToken
{
    /// <summary>Shards that a token names at most; the oldest are forgotten, and reads of those are strong.</summary>
    public const int ShardsMax = 256;

    private readonly SortedDictionary<string, ulong> positions = new(StringComparer.Ordinal);

    /// <summary>Whether it names nothing.</summary>
    public bool IsEmpty => positions.Count == 0;

    /// <summary>What it names.</summary>
    public IEnumerable<KeyValuePair<string, LogIndex>> Positions => positions.Select(each => new KeyValuePair<string, LogIndex>(each.Key, new LogIndex(each.Value)));

    /// <summary>Reads a token; what is no token is refused.</summary>
    public static SessionToken Parse(string text)
    {
        var token = new SessionToken();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.LastIndexOf('=');
            if (equals < 1 || !ulong.TryParse(part.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index)) throw VectorFault.BadInput($"\"{part}\" is no part of a session token");
            token.Raise(part[..equals], new LogIndex(index));
        }

        return token;
    }

    /// <summary>Where a shard's name in a token comes from.</summary>
    public static string NameOf(string collectionId, int shard) => string.Create(CultureInfo.InvariantCulture, $"{collectionId}/{shard}");

    /// <summary>Names a write.</summary>
    public void Raise(string shard, LogIndex index)
    {
        if (positions.Count >= ShardsMax && !positions.ContainsKey(shard)) return;
        positions[shard] = Math.Max(positions.GetValueOrDefault(shard), index.Value);
    }

    /// <summary>What a read of a shard asks for: a shard that the token does not name is read as it is strongest.</summary>
    public ReadDemand DemandOf(string shard) => positions.TryGetValue(shard, out var index) ? new ReadDemand(ReadLevel.Session, new LogIndex(index)) : ReadDemand.Strong;

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', positions.Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Key}={each.Value}")));
}
