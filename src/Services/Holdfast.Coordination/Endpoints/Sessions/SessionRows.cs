using System.Globalization;
using System.Text.Json.Serialization;
using Holdfast.Coordination.Sessions;

namespace Holdfast.Coordination.Endpoints.Sessions;

/// <summary>The answer to a creation.</summary>
internal sealed record CreatedRow([property: JsonPropertyName("ID")] string Id);

/// <summary>A session as Consul prints it; the lock delay in nanoseconds.</summary>
internal sealed record SessionRow(
    [property: JsonPropertyName("ID")] string Id, string Name, string Behavior, [property: JsonPropertyName("TTL")] string Ttl, long LockDelay, long CreateIndex, long ModifyIndex)
{
    public static SessionRow Of((SessionRecord Session, long Revision) found) => new(
        found.Session.Id, found.Session.Name, found.Session.Behavior == SessionBehavior.Delete ? "delete" : "release",
        found.Session.TtlSeconds.ToString(CultureInfo.InvariantCulture) + "s", found.Session.LockDelaySeconds * 1_000_000_000, found.Revision, found.Revision);
}

/// <summary>A key as Consul prints it. <c>LockIndex</c> is the fencing token while somebody holds it, else 0.</summary>
internal sealed record KeyRow(
    long LockIndex, string Key, ulong Flags, ReadOnlyMemory<byte>? Value, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Session, long CreateIndex, long ModifyIndex)
{
    public static KeyRow Of(string name, LockedKey key) => new(
        key.Lock?.CreateRevision ?? 0, name, key.Flags, key.Pair!.Value.IsEmpty ? null : key.Pair.Value.Memory, key.Lock?.Value.ToStringUtf8(),
        key.Pair.CreateRevision, Math.Max(key.Pair.ModRevision, key.Lock?.ModRevision ?? 0));
}

/// <summary>The pages' JSON, by generated code: names as Consul writes them.</summary>
[JsonSerializable(typeof(CreatedRow))]
[JsonSerializable(typeof(SessionRow[]))]
[JsonSerializable(typeof(KeyRow[]))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class SessionRowsJson : JsonSerializerContext;
