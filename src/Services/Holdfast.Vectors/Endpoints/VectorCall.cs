using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Telling;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Endpoints;

/// <summary>What every request finds behind the door.</summary>
/// <param name="Face">What everything is asked of.</param>
/// <param name="Meters">What is counted of requests.</param>
/// <param name="Snapshots">Where snapshots lie; null where none are kept.</param>
internal sealed record VectorRoom(VectorFace Face, VectorMeters Meters, Snapshots.SnapshotDesk? Snapshots)
{
    /// <summary>What requests came to, for telemetry.</summary>
    public RequestTally Tally { get; } = new();

    /// <summary>When the doors were opened.</summary>
    public DateTime Opened { get; } = DateTime.UtcNow;

    /// <summary>How many requests collections allow.</summary>
    public RateGates Rates { get; } = new();

    /// <summary>Which payload keys name tenants.</summary>
    public TenantKeys Tenants { get; } = new();

    /// <summary>Which queries are asked most through this node; held while it is used.</summary>
    public HotQueries Hot { get; } = new();
}

/// <summary>A request as its route sees it, whichever protocol it came by: path parts by name, query by name, body as JSON. What it asks for is in the protocol's words; anything wrong is a <see cref="VectorFault"/>.</summary>
internal sealed class VectorCall(VectorRoom room, AccessGrant grant, IReadOnlyDictionary<string, string> parts, Func<string, string?> queryOf, JsonElement body, CancellationToken cancelled)
{
    private static readonly JsonElement NoBody = JsonDocument.Parse("{}").RootElement.Clone();

    private readonly List<ReadScope> scopes = [];

    /// <summary>What everything is asked of; under the lock that the request names.</summary>
    public VectorFace Face { get; init; } = room.Face;

    /// <summary>All that is behind the door.</summary>
    public VectorRoom Room => room;

    /// <summary>What the caller may do.</summary>
    public AccessGrant Grant => grant;

    /// <summary>The client is gone, or its time is over.</summary>
    public CancellationToken Cancelled => cancelled;

    /// <summary>The body; an empty object when there was none.</summary>
    public JsonElement Body => body.ValueKind == JsonValueKind.Undefined ? NoBody : body;

    /// <summary>The collection's name in the path.</summary>
    public string CollectionName => parts["name"];

    /// <summary>The reads that were made, for the reply.</summary>
    public IReadOnlyList<ReadScope> Scopes => scopes;

    /// <summary>What the request wrote, for reads that must see it; null when nothing.</summary>
    public SessionToken? Written { get; private set; }

    /// <summary>Bytes of the vectors that were written.</summary>
    public long VectorBytesWritten { get; private set; }

    /// <summary>Bytes of the payloads that were written with whole points.</summary>
    public long PayloadBytesWritten { get; private set; }

    /// <summary>Whether the client waits to hear what came of a write. It is answered when it is done all the same (S24); but who does not wait is not told that a point was not there.</summary>
    public bool Waits => queryOf("wait") is "true";

    /// <summary>Whether the reply tells how it was found.</summary>
    public bool WantsExplanation => queryOf("explain") is "true" or "1" or "";

    /// <summary>How fresh reads must be. Qdrant's words that ask for more than one replica are met by the default; a number of replicas that is one, and <c>eventual</c>, is a replica as it is (S24).</summary>
    public ReadLevel Level => queryOf("consistency") switch
    {
        null => queryOf("session") is null ? ReadLevel.Strong : ReadLevel.Session,
        "majority" or "quorum" or "all" or "strong" => ReadLevel.Strong,
        "session" => ReadLevel.Session,
        "eventual" => ReadLevel.Eventual,
        var number when int.TryParse(number, out var replicas) && replicas >= 1 => replicas > 1 ? ReadLevel.Strong : ReadLevel.Eventual,
        var other => throw VectorFault.BadInput($"consistency \"{other}\" is none of majority, quorum, all, strong, session, eventual, or a number"),
    };

    /// <summary>Of a route that takes a file: the body as it comes.</summary>
    public System.IO.Pipelines.PipeReader? Upload { get; init; }

    /// <summary>The body's content type.</summary>
    public string UploadType { get; init; } = "";

    /// <summary>Whether the client asked not to wait: it is answered 202, when it is done all the same.</summary>
    public bool IsOnlyAccepted { get; set; }

    /// <summary>An answer that is a file; null for JSON.</summary>
    public Rest.RestFile? File { get; set; }

    /// <summary>Whether the path has this part.</summary>
    public bool HasPart(string name) => parts.ContainsKey(name);

    /// <summary>A part of the path.</summary>
    public string Part(string name) => parts[name];

    /// <summary>A field of the query; null when it is not there.</summary>
    public string? QueryOf(string name) => queryOf(name);

    /// <summary>What the route needs: a write counts against another limit than a read.</summary>
    public AccessRight Right { get; init; } = AccessRight.Read;

    /// <summary>The seconds that the client gave the request; null when it said nothing.</summary>
    public double? TimeoutSeconds { get; init; }

    /// <summary>The collection in the path, if its strict mode lets the request through.</summary>
    /// <param name="keys">The shard keys that the request names; those of its body when nobody says.</param>
    /// <param name="points">Points that a write is about; those of its body when nobody says.</param>
    public async ValueTask<CollectionRecord> CollectionAsync(IReadOnlyList<string>? keys = null, long? points = null)
    {
        var collection = await Face.RequireAsync(CollectionName, cancelled).ConfigureAwait(false);
        keys ??= Body.ValueKind == JsonValueKind.Object ? Collections.ShardLayout.ReadKeys(Json.Field(Body, "shard_key")) : null;
        if (keys is not null && !collection.Layout.Has(keys))
        {
            // Made a moment ago through another node, perhaps: a list is as new as the directory's leader.
            await Face.Collections.ListAsync(cancelled).ConfigureAwait(false);
            collection = await Face.RequireAsync(CollectionName, cancelled).ConfigureAwait(false);
        }

        collection.Config.Rules.RequireAtMost(TimeoutSeconds, "max_timeout", "timeout");
        if (Right is not (AccessRight.Read or AccessRight.Write or AccessRight.Index)) return collection;
        var isWrite = Right != AccessRight.Read;
        if (RateGates.LimitOf(collection, isWrite) is not null) room.Rates.Pass(collection, isWrite, isWrite ? Math.Max(1, points ?? await Operations.WriteCost.OfAsync(this, collection).ConfigureAwait(false)) : 1);
        return collection;
    }

    /// <summary>A field of the body; null when it is absent or null.</summary>
    public JsonElement? Field(string name) => Json.Field(Body, name);

    /// <summary>How this request, or one of a batch, reads.</summary>
    public ReadScope ScopeOf(JsonElement request)
    {
        var scope = new ReadScope
        {
            Level = Level,
            Session = queryOf("session") is { } token ? SessionToken.Parse(token) : null,
            AllowsPartial = queryOf("partial") is "true" or "1" or "",
            WantsExplanation = WantsExplanation,
            Keys = request.ValueKind == JsonValueKind.Object ? Collections.ShardLayout.ReadKeys(Json.Field(request, "shard_key")) : null,
            Cancel = cancelled,
        };
        scopes.Add(scope);
        return scope;
    }

    /// <summary>Notes what was written.</summary>
    public ulong Wrote(WriteDone done)
    {
        VectorBytesWritten += done.VectorBytes;
        PayloadBytesWritten += done.PayloadBytes;
        if (Written is null) Written = done.Session;
        else foreach (var part in done.Session.Positions) Written.Raise(part.Key, part.Value);
        return done.Number;
    }
}
