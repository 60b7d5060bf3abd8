using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>
/// A place in the cluster that is kept for one node: whoever joins next from this peer address. It takes the place of a join token where the joiner is told
/// nothing but addresses, as etcd's is: what it shows is drawn from its address, so the place is as safe as the network between the nodes, no safer. It holds
/// for a day and for one node. A learner's place outlives its taking: it holds its node back from voting until that is asked for.
/// </summary>
/// <param name="Address">The joiner's peer address, "host:port".</param>
/// <param name="IsLearner">Whether it was asked for as a learner's.</param>
public sealed record ReservedPlace(string Address, bool IsLearner)
{
    /// <summary>How long it is kept.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    private const string SettingPrefix = "reserved.";

    /// <summary>Before an address: the setting that names the id under which the place there, or whoever came to it, was known before it moved.</summary>
    private const string KnownAsPrefix = "reserved-as.";

    private const string ForVoter = "voter";
    private const string ForLearner = "learner";
    private const string Promoted = "promoted";

    /// <summary>The id that it had at another address; null where it has always been here.</summary>
    public ulong? KnownAs { get; init; }

    /// <summary>Stands for the member until it has come, and names it afterwards to those who know no other id. It goes with the place to another address.</summary>
    public ulong Id => KnownAs ?? (BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Secret)) | 1);

    /// <summary>What the joiner shows.</summary>
    public byte[] Secret => SHA256.HashData(Encoding.UTF8.GetBytes("holdfast reserved place " + Address));

    /// <summary>The places that nobody has taken yet.</summary>
    public static IEnumerable<ReservedPlace> AllIn(DirectoryView view)
    {
        foreach (var (key, value) in view.Settings)
        {
            if (!key.StartsWith(SettingPrefix, StringComparison.Ordinal)) continue;
            var address = key[SettingPrefix.Length..];
            var place = new ReservedPlace(address, value == ForLearner) { KnownAs = KnownAsAt(view, address) };
            if (view.Tokens.TryGetValue(place.TokenHash, out var token) && token.UsesLeft > 0) yield return place;
        }
    }

    /// <summary>The place that stands or would stand for a member: its id is the one under which the member was added.</summary>
    public static ReservedPlace Of(DirectoryView view, MemberRecord member) => Of(member) with { KnownAs = KnownAsAt(view, AddressOf(member)) };

    /// <summary>The place at a member's address.</summary>
    internal static ReservedPlace Of(MemberRecord member) => new(AddressOf(member), false);

    /// <summary>Whether a member came to a learner's place, and nobody has asked yet that it vote.</summary>
    public static bool IsHeld(DirectoryView view, MemberRecord member) => view.Settings.GetValueOrDefault(KeyOf(member)) == ForLearner;

    /// <summary>Whether it was asked that such a member vote.</summary>
    public static bool IsPromoted(DirectoryView view, MemberRecord member) => view.Settings.GetValueOrDefault(KeyOf(member)) == Promoted;

    /// <summary>The entries that remove what is left of places that were taken, or that nobody took in time. What holds a learner back, or lets it vote, stays as long as the member does.</summary>
    /// <param name="view">The directory.</param>
    /// <param name="nowMicros">Calendar time, microseconds since 1970.</param>
    internal static IEnumerable<byte[]> Remains(DirectoryView view, long nowMicros)
    {
        HashSet<string>? members = null;
        foreach (var (key, value) in view.Settings)
        {
            if (key.StartsWith(KnownAsPrefix, StringComparison.Ordinal))
            {
                members ??= [.. view.Members.Values.Select(KeyOf)];
                var reserved = SettingPrefix + key[KnownAsPrefix.Length..];
                if (!members.Contains(reserved) && !view.Settings.ContainsKey(reserved)) yield return DirectoryCommand.SetSetting(key, "");
                continue;
            }

            if (!key.StartsWith(SettingPrefix, StringComparison.Ordinal)) continue;
            members ??= [.. view.Members.Values.Select(KeyOf)];
            if (value != ForVoter && members.Contains(key)) continue;
            var place = new ReservedPlace(key[SettingPrefix.Length..], value == ForLearner);
            var isOpen = view.Tokens.TryGetValue(place.TokenHash, out var token) && token.UsesLeft > 0 && token.ExpiresMicros > nowMicros;
            if (!isOpen) yield return DirectoryCommand.SetSetting(key, "");
        }
    }

    /// <summary>The entries that keep it, in their order.</summary>
    internal ImmutableArray<byte[]> Reserve() =>
        [DirectoryCommand.AddToken(TokenHash, Lifetime.Ticks / 10, 1), DirectoryCommand.SetSetting(SettingPrefix + Address, IsLearner ? ForLearner : ForVoter)];

    /// <summary>The entries that give it up.</summary>
    internal ImmutableArray<byte[]> GiveUp() =>
        [DirectoryCommand.SetSetting(SettingPrefix + Address, ""), .. (byte[][])(KnownAs is null ? [] : [DirectoryCommand.SetSetting(KnownAsPrefix + Address, "")]), DirectoryCommand.RevokeToken(TokenHash)];

    /// <summary>The entries that keep it at another address, for another day, under the id that it has.</summary>
    internal ImmutableArray<byte[]> MoveTo(string address) =>
        [.. (this with { Address = address }).Reserve(), DirectoryCommand.SetSetting(KnownAsPrefix + address, Id.ToString("x16", CultureInfo.InvariantCulture)), .. GiveUp()];

    /// <summary>The entry that lets a member which is held back vote; nothing comes of it when it is not.</summary>
    internal static byte[] Promote(MemberRecord member) => DirectoryCommand.CompareSetting(KeyOf(member), ForLearner, Promoted);

    /// <summary>The entries that say anew where a member is. What holds it back goes with it.</summary>
    internal static ImmutableArray<byte[]> Move(DirectoryView view, MemberRecord from, MemberRecord to)
    {
        ImmutableArray<byte[]> entries = [DirectoryCommand.UpdateMember(to)];
        var (before, after) = (AddressOf(from), AddressOf(to));
        if (before == after) return entries;
        foreach (var prefix in (string[])[SettingPrefix, KnownAsPrefix])
            if (view.Settings.GetValueOrDefault(prefix + before) is { } value) entries = entries.Add(DirectoryCommand.SetSetting(prefix + after, value)).Add(DirectoryCommand.SetSetting(prefix + before, ""));
        return entries;
    }

    private static ulong? KnownAsAt(DirectoryView view, string address) =>
        view.Settings.TryGetValue(KnownAsPrefix + address, out var id) && ulong.TryParse(id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var known) ? known : null;

    private static string AddressOf(MemberRecord member) => HostPort.Format(member.Host, member.Port);

    private static string KeyOf(MemberRecord member) => SettingPrefix + AddressOf(member);

    private string TokenHash => JoinToken.HashOf(Secret);
}
