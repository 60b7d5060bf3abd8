using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf;

namespace Holdfast.Coordination.Sessions;

/// <summary>What happens to the keys of a session that ends.</summary>
internal enum SessionBehavior
{
    /// <summary>They stay, and nobody holds them.</summary>
    [JsonStringEnumMemberName("release")]
    Release,

    /// <summary>They are deleted.</summary>
    [JsonStringEnumMemberName("delete")]
    Delete,
}

/// <summary>
/// A session: the JSON value of <c>/sessions/info/ID</c>. Nothing about sessions is replicated beside keys and leases: the record and the locks hang on <paramref name="Lease"/>, so they go with it; what keeps
/// others out afterwards hangs on <paramref name="DelayLease"/>, which lasts longer by the lock delay and is renewed with it.
/// </summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">What its owner calls it.</param>
/// <param name="Behavior">What becomes of its keys.</param>
/// <param name="TtlSeconds">For how long it lives without being renewed.</param>
/// <param name="LockDelaySeconds">For how long nobody gets what it held when it ended without giving it back.</param>
/// <param name="Lease">What it lives by.</param>
/// <param name="DelayLease">What its lock delay lives by; 0 when there is none.</param>
internal sealed record SessionRecord(string Id, string Name, SessionBehavior Behavior, long TtlSeconds, long LockDelaySeconds, long Lease, long DelayLease)
{
    /// <summary>Reads a value; null when it is no session's.</summary>
    public static SessionRecord? TryParse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, SessionJson.Default.SessionRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The value.</summary>
    public ByteString ToBytes() => ByteString.CopyFrom(JsonSerializer.SerializeToUtf8Bytes(this, SessionJson.Default.SessionRecord));
}

/// <summary>Its JSON, by generated code.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SessionRecord))]
internal sealed partial class SessionJson : JsonSerializerContext;

/// <summary>Where sessions keep things. Any etcd client may look.</summary>
internal static class SessionKeys
{
    /// <summary>All of it: not to be locked or written as keys of users.</summary>
    public const string Root = "/sessions/";

    /// <summary>The records.</summary>
    public const string Records = Root + "info/";

    /// <summary>A session's record.</summary>
    public static ByteString Record(string id) => Bytes(Records + id);

    /// <summary>Who holds a key: the session's id. Its create revision is the fence.</summary>
    public static ByteString Lock(string key) => Bytes(Root + "locks/" + key);

    /// <summary>Who held a key last and may still believe so: the session's id. While it is there and the lock is not, nobody gets the key.</summary>
    public static ByteString Delay(string key) => Bytes(Root + "delays/" + key);

    /// <summary>A key's flags as a decimal number; not there when they are 0. They are the key's only if they were written while it was there: another client may have deleted the key and made it anew.</summary>
    public static ByteString Flags(string key) => Bytes(Root + "flags/" + key);

    /// <summary>Text as bytes.</summary>
    public static ByteString Bytes(string text) => ByteString.CopyFrom(text, Encoding.UTF8);
}
