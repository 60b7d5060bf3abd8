using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>What a shard answers to an entry: where it stands in the log, or why it did nothing.</summary>
/// <param name="Index">The entry's place: the operation's number for clients.</param>
/// <param name="Fault">Null when it was done.</param>
/// <param name="Changed">How many points it changed.</param>
internal sealed record ShardReply(LogIndex Index, string? Fault, int Changed)
{
    /// <summary>Whether nothing was done because a point belongs to another shard by now, or will in a moment: to be asked again of the shard that the directory names then.</summary>
    public bool IsMisdirected { get; init; }

    /// <summary>The first point that was named to be changed and is not there; what else was named is done.</summary>
    public PointId? Missed { get; init; }

    /// <summary>Whether nothing was done because the shard has seen a newer token of the lock.</summary>
    public bool IsFenced { get; init; }
}

/// <summary>A shard as readers on other threads see it; replaced when the state is.</summary>
/// <param name="Config">The collection's configuration.</param>
/// <param name="Store">The points.</param>
/// <param name="Indexes">Payload keys that are indexed, and how, as JSON.</param>
internal sealed record ShardState(CollectionConfig Config, PointStore Store, ImmutableSortedDictionary<string, string> Indexes)
{
    /// <summary>Which ids the shard has, and how far it is in a split.</summary>
    public ShardHold Hold { get; init; }

    /// <summary>What the indexes say of the values at their keys.</summary>
    public DeclaredKeys Declared { get; } = DeclaredKeys.Of(Indexes);
}

/// <summary>
/// A shard of a collection: a group that executes at commit. Its state are the points, the configuration and the list of payload indexes; graphs and the content of payload indexes are derived, made elsewhere,
/// and outside the hash. An entry is an append that shows at once; large ones yield.
/// </summary>
internal sealed class ShardMachine : IStateMachine
{
    /// <summary>Points executed before others have their turn: a quarter of a millisecond at 384 components.</summary>
    private const int PointsPerSlice = 256;

    /// <summary>Rows that forget a deleted column before others have their turn: they are only hashed.</summary>
    private const int ForgottenPerSlice = 1024;

    private readonly int segmentRowsMax;
    private readonly StateFiles? files;
    private readonly LentArrays lent = new();
    private ShardState? state;
    private ulong settingsHash;
    private LogIndex applied;
    private ulong version;
    private EntryWalk? walk;
    private ShardFences fences = new();

    /// <summary>An empty shard.</summary>
    /// <param name="segmentRowsMax">Rows of a segment; zero for what their length suggests.</param>
    /// <param name="files">Where sealed segments are kept; null to have them in memory only.</param>
    public ShardMachine(int segmentRowsMax = 0, StateFiles? files = null) => (this.segmentRowsMax, this.files) = (segmentRowsMax, files);

    /// <summary>
    /// Held by the group's loop while it changes the state or reads what only a writer may read, and for a few milliseconds by the thread that lets a merged segment take its sources' place.
    /// </summary>
    public Lock Gate { get; } = new();

    /// <summary>The state, once configured. For any thread.</summary>
    public ShardState? State => Volatile.Read(ref state);

    /// <summary>
    /// Rises with every entry, once all that it did shows: an answer that was found between two equal readings is the answer as long as it is read so again. For any thread.
    /// </summary>
    public ulong Version => Volatile.Read(ref version);

    /// <summary>The hash of the configuration and of the list of payload indexes.</summary>
    public ulong SettingsHash => settingsHash;

    /// <summary>Called on the group's loop when points were added or removed: for whoever builds graphs. Must return at once.</summary>
    public Action<ShardMachine>? Changed { get; set; }

    /// <summary>
    /// Called by the thread that merges when rows or graphs have been written to files that the last snapshot does not name: a new one copies next to nothing, and after a restart nothing is built that is in them.
    /// Must return at once.
    /// </summary>
    public Action? Kept { get; set; }

    /// <summary>A planted bug of the simulator.</summary>
    internal PlantedShardBug Bug { get; init; }

    /// <inheritdoc/>
    public ulong StateHash => settingsHash + (state?.Store.Hash ?? 0) + (state?.Hold.Hash ?? 0) + fences.Hash;

    /// <summary>The locks that the shard knows, with their tokens: what a split takes along. For any thread.</summary>
    public byte[] FencesWritten
    {
        get
        {
            lock (Gate) return fences.Written();
        }
    }

    /// <summary>Why a command under a lock would be refused now, and from now on: the lock has a newer token here. Null for any other. For any thread.</summary>
    public string? NewerFence(ReadOnlySpan<byte> command)
    {
        if (!ShardFences.IsUnder(command)) return null;
        lock (Gate) return Bug == PlantedShardBug.FencesAreNotAsked ? null : fences.Newer(command);
    }

    /// <inheritdoc/>
    public ApplyResult Apply(in CommittedEntry entry)
    {
        lock (Gate) return ApplyGated(entry);
    }

    private ApplyResult ApplyGated(in CommittedEntry entry)
    {
        walk ??= new EntryWalk();
        if (!Step(entry, walk))
        {
            if (Bug == PlantedShardBug.HalfAnEntryShows) state?.Store.Publish();
            return ApplyResult.Yield;
        }

        var done = walk;
        walk = null;
        applied = entry.Position.Index;
        state?.Store.Publish();
        Volatile.Write(ref version, version + 1);
        if (done.Changed > 0) Changed?.Invoke(this);
        return ApplyResult.Done(new ShardReply(entry.Position.Index, done.Fault, done.Changed) { Missed = done.Missed, IsMisdirected = done.IsMisdirected, IsFenced = done.IsFenced });
    }

    /// <inheritdoc/>
    public ISnapshotView CaptureSnapshot()
    {
        lock (Gate) return new ShardSnapshot(state, Bug == PlantedShardBug.SnapshotForgetsFences ? [] : fences.Written(), StateHash, applied);
    }

    /// <inheritdoc/>
    public ISnapshotBuilder BeginRestore() => new ShardRestore(this);

    /// <inheritdoc/>
    public void Forget() => Adopt(null, new ShardFences(), LogIndex.Zero);

    /// <summary>The built state replaces the live one.</summary>
    internal void Adopt(ShardState? restored, ShardFences known, LogIndex index)
    {
        lock (Gate)
        {
            walk = null;
            applied = index;
            state?.Store.LetGo();
            fences = known;
            Become(restored);
            Volatile.Write(ref version, version + 1);
        }

        Changed?.Invoke(this);
    }

    /// <summary>Reads what only a writer may read, such as the ids.</summary>
    internal TResult Read<TResult>(Func<ShardState, TResult> read)
    {
        lock (Gate) return read(state ?? throw VectorFault.Unavailable("the shard is not configured yet"));
    }

    internal PointStore StoreFor(CollectionConfig config) =>
        new(config.Columns, segmentRowsMax > 0 ? segmentRowsMax : CollectionLimits.RowsOf(config.Columns.Select(column => column.RowBytes))) { Files = files, Bug = Bug };

    private void Become(ShardState? next)
    {
        Volatile.Write(ref state, next);
        var hash = new ContentHash(0);
        if (next is not null)
        {
            hash.Add(System.Text.Encoding.UTF8.GetBytes(next.Config.Json));
            foreach (var (key, schema) in next.Indexes)
            {
                hash.Add(System.Text.Encoding.UTF8.GetBytes(key));
                hash.Add(System.Text.Encoding.UTF8.GetBytes(schema));
            }
        }

        settingsHash = next is null ? 0 : hash.Value;
    }

    private bool Step(in CommittedEntry entry, EntryWalk at)
    {
        var reader = new SpanReader(entry.Command);
        var version = reader.ReadByte();
        var kind = (ShardCommandKind)reader.ReadByte();
        if (!reader.IsWhole || version != ShardCommand.Version) return at.Refuse("the entry is of a format that this binary does not know");
        if (kind == ShardCommandKind.Configure) return Configure(reader.ReadText(), at);
        if (state is not { } here) return at.Refuse("the shard is not configured yet");
        if (kind == ShardCommandKind.Fenced)
        {
            if (fences.Pass(ref reader, at, Bug) is not { } inner) return true;
            if (inner == ShardCommandKind.Configure) return Configure(reader.ReadText(), at);
            kind = inner;
        }

        switch (kind)
        {
            case ShardCommandKind.Upsert or ShardCommandKind.UpdateVectors or ShardCommandKind.UpsertWhere:
                return new PointEntries(here, entry.Position.Index, entry.FeatureLevel, lent).Write(kind, ref reader, at, PointsPerSlice);
            case ShardCommandKind.Stage when here.Hold.IsExpecting || Bug == PlantedShardBug.StagesAfterAdoption:
                return new PointEntries(here, entry.Position.Index, entry.FeatureLevel, lent).Write(kind, ref reader, at, PointsPerSlice);
            case ShardCommandKind.Unstage when here.Hold.IsExpecting || Bug == PlantedShardBug.StagesAfterAdoption:
                return new PointEntries(here, entry.Position.Index, entry.FeatureLevel, lent).Change(kind, ref reader, at, PointsPerSlice);
            case ShardCommandKind.Stage or ShardCommandKind.Unstage:
                return at.Refuse("the shard expects nothing");
            case ShardCommandKind.Fences:
                return fences.Take(ref reader, at, here.Hold.IsExpecting);
            case >= ShardCommandKind.Expect and <= ShardCommandKind.Release:
                var isDone = new SplitEntries(here, entry.Position.Index, settingsHash, Bug).Execute(kind, ref reader, at, PointsPerSlice, out var hold);
                if (hold != here.Hold) Become(new ShardState(here.Config, here.Store, here.Indexes) { Hold = hold });
                return isDone;
            case ShardCommandKind.CreateIndex:
                var key = reader.ReadText();
                Become(new ShardState(here.Config, here.Store, here.Indexes.SetItem(key, reader.ReadText())) { Hold = here.Hold });
                return at.Done(1);
            case ShardCommandKind.DeleteIndex:
                Become(new ShardState(here.Config, here.Store, here.Indexes.Remove(reader.ReadText())) { Hold = here.Hold });
                return at.Done(1);
            case >= ShardCommandKind.Delete and <= ShardCommandKind.DeleteVectors:
                return new PointEntries(here, entry.Position.Index, entry.FeatureLevel, lent).Change(kind, ref reader, at, PointsPerSlice);
            default:
                return at.Refuse("the entry is of a kind that this binary does not know");
        }
    }

    private bool Configure(string json, EntryWalk at)
    {
        CollectionConfig config;
        try
        {
            config = CollectionConfig.Parse(json);
        }
        catch (Exception wrong) when (wrong is VectorFault or System.Text.Json.JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return at.Refuse("the configuration cannot be read");
        }

        if (state is null) Become(new ShardState(config, StoreFor(config), ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal)));
        else if (SameShape(state.Config, config))
        {
            var forgotten = at.Items;
            var isForgotten = !HasGone(state.Config, config) || state.Store.TryForget(KnownOf(config), ref forgotten, ForgottenPerSlice);
            at.Items = forgotten;
            if (!isForgotten) return false;
            state.Store.Reconfigure(config.Columns);
            Become(new ShardState(config, state.Store, state.Indexes) { Hold = state.Hold });
        }
        else return at.Refuse("vectors that are there cannot get another size, distance or type");
        return at.Done(1);
    }

    /// <summary>Columns may have come behind the others, or gone; those that stay are what they were.</summary>
    private static bool SameShape(CollectionConfig old, CollectionConfig next) =>
        next.Columns.Count >= old.Columns.Count && old.Columns.Zip(next.Columns, (a, b) => b.IsGone || (a.Name == b.Name && a.Size == b.Size && a.Distance == b.Distance && a.Datatype == b.Datatype && a.Kind == b.Kind)).All(same => same);

    private static bool HasGone(CollectionConfig old, CollectionConfig next) => old.Columns.Zip(next.Columns, (a, b) => b.IsGone && !a.IsGone).Any(gone => gone);

    private static ulong KnownOf(CollectionConfig config)
    {
        var known = 0UL;
        for (var column = 0; column < config.Columns.Count; column++)
            if (!config.Columns[column].IsGone) known |= 1UL << column;
        return known;
    }
}
