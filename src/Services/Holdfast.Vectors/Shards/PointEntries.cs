using Holdfast.Primitives;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>Executes entries about points, in slices. What the store holds decides; a point that is not there is passed over.</summary>
internal readonly ref struct PointEntries(ShardState state, LogIndex index, uint featureLevel, LentArrays lent)
{
    private readonly PointStore store = state.Store;

    /// <summary>Upserts points, or gives points that are there new vectors.</summary>
    public bool Write(ShardCommandKind kind, ref SpanReader reader, EntryWalk walk, int most)
    {
        var mode = kind == ShardCommandKind.UpsertWhere ? (UpsertMode)reader.ReadByte() : UpsertMode.Any;
        var filter = kind == ShardCommandKind.UpsertWhere ? FilterParser.Parse(reader.ReadText())?.AsDeclared(state.Declared) : null;
        var length = reader.Rest.Length;
        var count = reader.ReadUInt32();
        if (!reader.IsWhole) return walk.Refuse("the entry is not whole");
        if (!state.Hold.IsWhole && walk.Offset == 0 && !TakesPoints(kind, reader, count)) return walk.Misdirect();
        if (walk.Offset > 0) reader.Take(walk.Offset - sizeof(uint));
        for (; walk.Items < count; walk.Items++)
        {
            if (most-- == 0)
            {
                walk.Offset = length - reader.Rest.Length;
                return false;
            }

            var point = ShardCommand.ReadPoint(ref reader, store.Columns, lent);
            if (!reader.IsWhole) return walk.Items == 0 ? walk.Refuse("the entry is not whole") : walk.Done(0);
            if (kind == ShardCommandKind.UpsertWhere && !MayWrite(point.Id, mode, filter)) continue;
            if (kind is ShardCommandKind.Upsert or ShardCommandKind.UpsertWhere or ShardCommandKind.Stage && mode != UpsertMode.Vectors) store.Upsert(point, index);
            else if (!store.ChangeVectors(point.Id, Numbered(point.Vectors), index))
            {
                walk.Missed ??= point.Id;
                continue;
            }

            walk.Changed++;
        }

        return true;
    }

    /// <summary>Deletes points, or changes their payload or loses vectors.</summary>
    public bool Change(ShardCommandKind kind, ref SpanReader reader, EntryWalk walk, int most)
    {
        var filter = FilterParser.Parse(reader.ReadText())?.AsDeclared(state.Declared);
        var count = reader.ReadUInt32();
        if (!reader.IsWhole || count > (uint)reader.Rest.Length) return walk.Refuse("the entry is not whole");
        var ids = reader;
        for (var at = 0; at < count; at++) PointId.Read(ref reader);
        var change = ChangeOf(kind, ref reader, out var columns);
        if (!reader.IsWhole) return walk.Refuse("the entry is not whole");
        if (!state.Hold.IsWhole && walk.Items == 0 && !TakesIds(kind, ids, count)) return walk.Misdirect();
        for (var at = 0; at < count; at++)
        {
            var id = PointId.Read(ref ids);
            if (at < walk.Items) continue;
            if (most-- == 0) return false;
            walk.Items++;
            if (filter is not null && store.Bug != PlantedShardBug.FilterNotAskedAgain && !Passes(filter, id)) continue;
            var isDone = kind switch
            {
                ShardCommandKind.Delete or ShardCommandKind.Unstage => store.Delete(id, index),
                ShardCommandKind.DeleteVectors => store.ChangeVectors(id, columns, index),
                _ => store.ChangePayload(id, change, index),
            };
            if (isDone) walk.Changed++;
            else if (filter is null && kind is not (ShardCommandKind.Delete or ShardCommandKind.Unstage)) walk.Missed ??= id;
        }

        return true;
    }

    private Func<Payload, Payload> ChangeOf(ShardCommandKind kind, ref SpanReader reader, out IReadOnlyList<(int Column, NamedVector? Vector)> columns)
    {
        columns = [];
        switch (kind)
        {
            case ShardCommandKind.SetPayload:
                var path = reader.ReadText();
                var place = PathOf(path);
                var set = Payload.FromNormalised(reader.ReadBlock());
                return path.Length == 0 ? old => PayloadEdit.Merge(old, set) : old => PayloadEdit.MergeAt(old, place, set);
            case ShardCommandKind.OverwritePayload:
                var whole = Payload.FromNormalised(reader.ReadBlock());
                return _ => whole;
            case ShardCommandKind.DeletePayload:
                var keys = new List<PayloadPath>();
                for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) keys.Add(PathOf(reader.ReadText()));
                return old => PayloadEdit.Remove(old, keys);
            case ShardCommandKind.DeleteVectors:
                var bits = reader.ReadUInt64();
                columns = [.. Enumerable.Range(0, store.Columns.Count).Where(column => (bits & (1UL << column)) != 0).Select(column => (column, (NamedVector?)null))];
                return old => old;
            default:
                return _ => Payload.Empty;
        }
    }

    /// <summary>A key of a change: a whole path since feature level 2, so that replicas of two programs change the same (S5).</summary>
    private PayloadPath PathOf(string text) => (featureLevel >= ShardCommand.LateLevel ? PayloadPath.Parse(text) : null) ?? PayloadPath.OfNames(text);

    /// <summary>Whether the shard takes all of an entry's points: nothing of it is done otherwise. Vectors are passed over unread.</summary>
    private bool TakesPoints(ShardCommandKind kind, SpanReader points, uint count)
    {
        if (kind == ShardCommandKind.Stage) return true;
        for (var left = count; left > 0 && points.IsWhole; left--)
        {
            if (!Takes(PointId.Read(ref points))) return false;
            points.ReadBlock();
            for (var vectors = points.ReadByte(); vectors > 0; vectors--)
            {
                points.ReadByte();
                points.ReadBlock();
            }
        }

        return true;
    }

    private bool TakesIds(ShardCommandKind kind, SpanReader ids, uint count)
    {
        if (kind == ShardCommandKind.Unstage) return true;
        for (var left = count; left > 0; left--)
            if (!Takes(PointId.Read(ref ids))) return false;
        return true;
    }

    private bool Takes(in PointId id) => store.Bug == PlantedShardBug.WritesWhatIsSealed ? state.Hold.Part.Has(id) : state.Hold.Takes(id);

    /// <summary>A point that is new is none that a filter speaks of.</summary>
    private bool MayWrite(in PointId id, UpsertMode mode, Filter? filter)
    {
        var isThere = store.TryFind(id, out _, out _);
        if (isThere ? mode == UpsertMode.InsertOnly : mode is UpsertMode.UpdateOnly or UpsertMode.Vectors) return false;
        return !isThere || filter is null || Passes(filter, id);
    }

    private bool Passes(Filter filter, in PointId id)
    {
        if (!store.TryFind(id, out var segment, out var row)) return false;
        using var payload = segment.PayloadOf(row).Parse();
        var here = store;
        return filter.Passes(new FilterSubject(id, payload.RootElement, name => here.ColumnOf(name) is >= 0 and var column && (segment.Head(row).Has & here.Known & (1UL << column)) != 0));
    }

    private (int Column, NamedVector? Vector)[] Numbered(IReadOnlyList<NamedVector> vectors)
    {
        var numbered = new (int Column, NamedVector? Vector)[vectors.Count];
        for (var at = 0; at < numbered.Length; at++) numbered[at] = (store.ColumnOf(vectors[at].Name), vectors[at]);
        return numbered;
    }
}
