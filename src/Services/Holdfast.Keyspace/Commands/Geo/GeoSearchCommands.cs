namespace Holdfast.Keyspace;

/// <summary>Members near a point: the cells that cover the shape are ranges of scores; whatever is in them is measured.</summary>
internal sealed class GeoSearchCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("geosearch", call => Search(call, key: 1), "Returns the members in a circle or a box");
        table.Bind("geosearchstore", call => Search(call, key: 2), "Stores the members in a circle or a box in a key");
        table.Bind("georadius", call => Radius(call, byMember: false, mayStore: true), "Returns or stores the members in a circle around a point; the old form of GEOSEARCH");
        table.Bind("georadius_ro", call => Radius(call, byMember: false, mayStore: false), "Returns the members in a circle around a point; the old form of GEOSEARCH");
        table.Bind("georadiusbymember", call => Radius(call, byMember: true, mayStore: true), "Returns or stores the members in a circle around a member; the old form of GEOSEARCH");
        table.Bind("georadiusbymember_ro", call => Radius(call, byMember: true, mayStore: false), "Returns the members in a circle around a member; the old form of GEOSEARCH");
    }

    private static void Search(CommandCall call, int key)
    {
        if (!call.TryLocate(key, ValueKind.SortedSet, out var source)) return;
        var request = new GeoRequest { StoreKey = key - 1 };
        if (request.TrySearchOptions(call, key + 1, source)) Answer(call, source, request, "geosearchstore"u8);
    }

    private static void Radius(CommandCall call, bool byMember, bool mayStore)
    {
        if (!call.TryLocate(1, ValueKind.SortedSet, out var source)) return;
        var request = new GeoRequest();
        var at = byMember ? 3 : 4;
        if (!byMember)
        {
            if (!GeoArguments.TryPoint(call, 2, out request.Shape.Longitude, out request.Shape.Latitude)) return;
        }
        else if (source.Exists && !request.TryMember(call, source, 2))
        {
            return;
        }

        // Without the sorted set there is nothing to measure: Redis then does not look at the radius around a member.
        if ((!byMember || source.Exists) && !GeoArguments.TryRadius(call, at, out request.Shape.Radius, out request.Shape.Unit)) return;
        if (request.TryRadiusOptions(call, at + 2, mayStore)) Answer(call, source, request, "georadiusstore"u8);
    }

    private static void Answer(CommandCall call, in KeyPlace source, in GeoRequest request, ReadOnlySpan<byte> storeEvent)
    {
        var finds = call.Scratch.Finds;
        var names = call.Scratch.Gathered;
        finds.Clear();
        names.Clear();
        if (source.Exists) Find(call, source, request, finds, names);
        if (request.IsSorted) finds.Sort(request.IsDescending ? GeoFind.Farthest : GeoFind.Nearest);
        var count = request.Count > 0 ? (int)Math.Min(request.Count, finds.Count) : finds.Count;
        if (request.StoreKey > 0) Store(call, request, finds, names, count, storeEvent);
        else Reply(call, request, finds, names, count);
    }

    private static void Find(CommandCall call, in KeyPlace source, in GeoRequest request, List<GeoFind> finds, GatheredStrings names)
    {
        Span<GeoCell> cells = stackalloc GeoCell[GeoShape.CellsMax];
        request.Shape.Cover(cells);
        var measuring = new Measuring { Shape = request.Shape, Finds = finds, Names = names, Limit = request.TakesAny ? request.Count : long.MaxValue };
        var last = -1;
        for (var i = 0; i < cells.Length && finds.Count < measuring.Limit; i++)
        {
            if (!cells[i].IsCell || (last >= 0 && cells[i] == cells[last])) continue;
            last = i;
            var first = SortedSetValue.CountBefore(call.Keyspace, source, new ScoreBound(cells[i].ScoreMin, false));
            var end = SortedSetValue.CountBefore(call.Keyspace, source, new ScoreBound(cells[i].ScoreEnd, false));
            SortedSetValue.Walk(call, source, first, end - first, isReverse: false, ref measuring);
        }
    }

    private static void Reply(CommandCall call, in GeoRequest request, List<GeoFind> finds, GatheredStrings names, int count)
    {
        var reply = call.Reply;
        var options = (request.WithDistance ? 1 : 0) + (request.WithHash ? 1 : 0) + (request.WithPoint ? 1 : 0);
        reply.Array(count);
        for (var i = 0; i < count; i++)
        {
            var find = finds[i];
            if (options > 0) reply.Array(options + 1);
            reply.Bulk(names[find.Number]);
            if (request.WithDistance) GeoReplies.Distance(reply, find.Distance / request.Shape.Unit);
            if (request.WithHash) reply.Integer((long)find.Score);
            if (request.WithPoint) GeoReplies.Point(reply, GeoCell.OfScore(find.Score).Middle());
        }
    }

    private static void Store(CommandCall call, in GeoRequest request, List<GeoFind> finds, GatheredStrings names, int count, ReadOnlySpan<byte> storeEvent)
    {
        var target = call.Locate(request.StoreKey);
        var wasThere = target.Exists;
        var edit = new SortedSetEdit(call, target, replaces: true);
        var longest = 0;
        for (var i = 0; i < count; i++) longest = Math.Max(longest, names[finds[i].Number].Length);
        edit.Expect(count, longest);
        for (var i = 0; i < count; i++) edit.Put(names[finds[i].Number], request.StoresDistance ? finds[i].Distance / request.Shape.Unit : finds[i].Score);
        if (edit.Save()) call.Changed(target.Key, KeyEvents.SortedSet, storeEvent, count);
        else if (wasThere) call.Changed(target.Key, KeyEvents.Generic, "del"u8);
        call.Reply.Integer(count);
    }

    private struct Measuring : IScoreVisitor
    {
        public GeoShape Shape;
        public List<GeoFind> Finds;
        public GatheredStrings Names;
        public long Limit;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            if (Finds.Count >= Limit) return;
            var (longitude, latitude) = GeoCell.OfScore(score).Middle();
            if (!Shape.Contains(longitude, latitude, out var distance)) return;
            Finds.Add(new GeoFind(Finds.Count, score, distance));
            Names.Add(member);
        }
    }
}

/// <summary>A member that was found.</summary>
/// <param name="Number">In the order of finding; its name has the same.</param>
/// <param name="Score">Its cell.</param>
/// <param name="Distance">From the middle, in metres.</param>
internal readonly record struct GeoFind(int Number, double Score, double Distance)
{
    /// <summary>The nearest first; those at the same distance in the order of finding.</summary>
    public static readonly Comparison<GeoFind> Nearest = static (one, other) => one.Distance.CompareTo(other.Distance) is var order && order != 0 ? order : one.Number.CompareTo(other.Number);

    /// <summary>The farthest first.</summary>
    public static readonly Comparison<GeoFind> Farthest = static (one, other) => other.Distance.CompareTo(one.Distance) is var order && order != 0 ? order : one.Number.CompareTo(other.Number);
}
