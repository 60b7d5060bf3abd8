using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Cluster;

/// <summary>
/// A place in the cluster that is kept for one node: whoever joins next from this peer address. It takes the place of a join token where the joiner is told
/// nothing but addresses, as etcd's is: what it shows is drawn from its address, so the place is as safe as the network between the nodes, no safer. It holds
/// for a day and for one node.
/// </summary>
/// <param name="Address">The joiner's peer address, "host:port".</param>
/// <param name="IsLearner">Whether it was asked for as a learner's.</param>
public sealed record ReservedPlace(string Address, bool IsLearner)
{
    /// <summary>How long it is kept.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    private const string SettingPrefix = "reserved.";

    /// <summary>Stands for the member until it has come.</summary>
    public ulong Id => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Secret)) | 1;

    /// <summary>What the joiner shows.</summary>
    public byte[] Secret => SHA256.HashData(Encoding.UTF8.GetBytes("holdfast reserved place " + Address));

    /// <summary>The places that nobody has taken yet.</summary>
    public static IEnumerable<ReservedPlace> AllIn(DirectoryView view)
    {
        foreach (var (key, value) in view.Settings)
        {
            if (!key.StartsWith(SettingPrefix, StringComparison.Ordinal)) continue;
            var place = new ReservedPlace(key[SettingPrefix.Length..], value == "learner");
            if (view.Tokens.TryGetValue(place.TokenHash, out var token) && token.UsesLeft > 0) yield return place;
        }
    }

    /// <summary>The entries that remove what is left of places that were taken, or that nobody took in time.</summary>
    /// <param name="view">The directory.</param>
    /// <param name="nowMicros">Calendar time, microseconds since 1970.</param>
    internal static IEnumerable<byte[]> Remains(DirectoryView view, long nowMicros)
    {
        foreach (var (key, value) in view.Settings)
        {
            if (!key.StartsWith(SettingPrefix, StringComparison.Ordinal)) continue;
            var place = new ReservedPlace(key[SettingPrefix.Length..], value == "learner");
            var isOpen = view.Tokens.TryGetValue(place.TokenHash, out var token) && token.UsesLeft > 0 && token.ExpiresMicros > nowMicros;
            if (!isOpen) yield return DirectoryCommand.SetSetting(key, "");
        }
    }

    /// <summary>The entries that keep it, in their order.</summary>
    internal ImmutableArray<byte[]> Reserve() =>
        [DirectoryCommand.AddToken(TokenHash, Lifetime.Ticks / 10, 1), DirectoryCommand.SetSetting(SettingPrefix + Address, IsLearner ? "learner" : "voter")];

    /// <summary>The entries that give it up.</summary>
    internal ImmutableArray<byte[]> GiveUp() => [DirectoryCommand.SetSetting(SettingPrefix + Address, ""), DirectoryCommand.RevokeToken(TokenHash)];

    private string TokenHash => JoinToken.HashOf(Secret);
}
