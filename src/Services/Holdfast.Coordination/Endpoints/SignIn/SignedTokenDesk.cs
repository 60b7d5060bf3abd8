using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>
/// Our own tokens, which stand for etcd's simple ones: base64url of version, time of issue, credential revision and name, signed with the secret that is
/// replicated with the identities. So every node reads what any node issued, and no sign-in goes through the log.
/// </summary>
internal sealed class SignedTokenDesk(TimeSpan timeToLive, TimeProvider clock) : ITokenDesk
{
    /// <summary>Tokens whose last use is remembered. When there are more, all are forgotten: then a token counts from when it was issued.</summary>
    private const int UsesMax = 65536;

    private const byte Version = 1;
    private const int HeadBytes = 17;
    private const int SignatureBytes = 32;
    private readonly ConcurrentDictionary<string, long> lastUses = new(StringComparer.Ordinal);

    private long Now => clock.GetUtcNow().ToUnixTimeSeconds();

    public string Issue(UserRecord user, IdentityView view)
    {
        var name = Encoding.UTF8.GetBytes(user.Name);
        var token = new byte[HeadBytes + name.Length + SignatureBytes];
        token[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(token.AsSpan(1), Now);
        BinaryPrimitives.WriteUInt64LittleEndian(token.AsSpan(9), user.CredentialRevision);
        name.CopyTo(token, HeadBytes);
        HMACSHA256.HashData(view.TokenSecret, token.AsSpan(0, HeadBytes + name.Length), token.AsSpan(HeadBytes + name.Length));
        return Base64Url.EncodeToString(token);
    }

    public Caller Read(string token, IdentityView view)
    {
        if (view.TokenSecret.Length == 0 || token.Length > 2 * (HeadBytes + AuthCommand.NameBytesMax + SignatureBytes) || !Base64Url.IsValid(token)) return Caller.Invalid;
        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length < HeadBytes + SignatureBytes || bytes[0] != Version) return Caller.Invalid;
        Span<byte> signature = stackalloc byte[SignatureBytes];
        HMACSHA256.HashData(view.TokenSecret, bytes.AsSpan(0, bytes.Length - SignatureBytes), signature);
        if (!CryptographicOperations.FixedTimeEquals(signature, bytes.AsSpan(bytes.Length - SignatureBytes))) return Caller.Invalid;

        // Signed by us: what it says is true. Is it still young, or was it used here a while ago?
        var now = Now;
        var since = Math.Max(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(1)), lastUses.GetValueOrDefault(token));
        if (now - since > (long)timeToLive.TotalSeconds)
        {
            lastUses.TryRemove(token, out _);
            return Caller.Invalid;
        }

        // Noted once a second at most: a table that every request writes would be a queue for them.
        if (now > since)
        {
            if (lastUses.Count >= UsesMax) lastUses.Clear();
            lastUses[token] = now;
        }

        return new Caller(CallerKind.Token, Encoding.UTF8.GetString(bytes.AsSpan(HeadBytes, bytes.Length - HeadBytes - SignatureBytes)), BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(9)));
    }
}
