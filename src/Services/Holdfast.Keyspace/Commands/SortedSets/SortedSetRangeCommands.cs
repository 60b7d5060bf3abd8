using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Ranges of sorted sets, by rank, by score and by member: returning, storing, counting and removing them.</summary>
internal sealed class SortedSetRangeCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("zrange", call => Range(call, RangeBy.Unsaid, isReverse: null), "Returns a range of a sorted set");
        table.Bind("zrevrange", call => Range(call, RangeBy.Rank, isReverse: true), "Returns a range of a sorted set by rank, from behind");
        table.Bind("zrangebyscore", call => Range(call, RangeBy.Score, isReverse: false), "Returns a range of a sorted set by score");
        table.Bind("zrevrangebyscore", call => Range(call, RangeBy.Score, isReverse: true), "Returns a range of a sorted set by score, from behind");
        table.Bind("zrangebylex", call => Range(call, RangeBy.Member, isReverse: false), "Returns a range of a sorted set by member");
        table.Bind("zrevrangebylex", call => Range(call, RangeBy.Member, isReverse: true), "Returns a range of a sorted set by member, from behind");
        table.Bind("zrangestore", Store, "Stores a range of a sorted set in a key");
        table.Bind("zcount", call => Count(call, RangeBy.Score), "Counts the members of a sorted set with scores in a range");
        table.Bind("zlexcount", call => Count(call, RangeBy.Member), "Counts the members of a sorted set in a range");
        table.Bind("zremrangebyrank", call => Remove(call, RangeBy.Rank), "Removes a range of a sorted set by rank");
        table.Bind("zremrangebyscore", call => Remove(call, RangeBy.Score), "Removes a range of a sorted set by score");
        table.Bind("zremrangebylex", call => Remove(call, RangeBy.Member), "Removes a range of a sorted set by member");
    }

    private static void Range(CommandCall call, RangeBy by, bool? isReverse)
    {
        if (!RangeRequest.TryParse(call, 1, by, isReverse, isStored: false, out var request)) return;
        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        var (rank, count) = request.Resolve(call.Keyspace, place);
        var isNested = request.WithScores && call.Reply.Protocol >= 3;
        if (!SortedSetReplyRun.TryWrite(call, 1, rank, count, request.IsReverse, request.WithScores, isNested, out var run)) return;
        call.Reply.Array(request.WithScores && !isNested ? count * 2 : count);
        if (run is not null)
        {
            call.Reply.Raw(run.Written);
            return;
        }

        var writing = new ScoreWriting { Reply = call.Reply, Scores = request.WithScores, IsNested = isNested };
        SortedSetValue.Walk(call, place, rank, count, request.IsReverse, ref writing);
    }

    private static void Store(CommandCall call)
    {
        if (!RangeRequest.TryParse(call, 2, RangeBy.Unsaid, null, isStored: true, out var request)) return;
        call.Locate(1);
        if (!call.TryLocate(2, ValueKind.SortedSet, out var source)) return;
        var (rank, count) = request.Resolve(call.Keyspace, source);
        if (RangeCopyRun.IsWorthStoring(call, count))
        {
            var run = SlicedRun.Of<RangeCopyRun>(call) ?? new RangeCopyRun(keyArgument: 2);
            run.Keep(request.IsReverse ? rank - count + 1 : rank, count);
            if (!run.TryFinish(call)) return;
            var target = call.Locate(1);
            call.Keyspace.SetBig(ref target, ValueKind.SortedSet, ValueEncoding.SkipList, run.Take());
            call.Changed(call[1], KeyEvents.SortedSet, "zrangestore"u8);
            call.Reply.Integer(count);
            return;
        }

        var gathering = new ScoreGathering { Members = call.Scratch.Gathered, Scores = call.Scratch.Scores };
        gathering.Begin();
        SortedSetValue.Walk(call, source, rank, count, request.IsReverse, ref gathering);
        var stored = gathering.Store(call, call.Locate(1), longest: 0);
        if (stored) call.Changed(call[1], KeyEvents.SortedSet, "zrangestore"u8);
        call.Reply.Integer(gathering.Members.Count);
    }

    private static void Count(CommandCall call, RangeBy by)
    {
        if (!RangeRequest.TryEnds(call, 2, 3, by, out var request) || !call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        call.Reply.Integer(request.Resolve(call.Keyspace, place).Count);
    }

    private static void Remove(CommandCall call, RangeBy by)
    {
        if (!RangeRequest.TryEnds(call, 2, 3, by, out var request) || !call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        var (rank, count) = request.Resolve(call.Keyspace, place);
        var isThere = count == 0 || SortedSetEdit.RemoveRange(call, place, rank, count);
        call.Reply.Integer(count);
        if (count == 0) return;
        call.Changed(call[1], KeyEvents.SortedSet, by switch { RangeBy.Rank => "zremrangebyrank"u8, RangeBy.Score => "zremrangebyscore"u8, _ => "zremrangebylex"u8 }, count);
        if (!isThere) call.Notify(call[1], KeyEvents.Generic, "del"u8);
    }
}

/// <summary>Writes members to the reply, with their scores if asked: as pairs in RESP3.</summary>
internal struct ScoreWriting : IScoreVisitor
{
    public RespWriter Reply;
    public bool Scores;
    public bool IsNested;

    public readonly void Visit(ReadOnlySpan<byte> member, double score)
    {
        if (IsNested) Reply.Array(2);
        Reply.Bulk(member);
        if (Scores) Reply.Double(score);
    }
}

/// <summary>Gathers members and scores, to be stored or removed when the walk is over.</summary>
internal struct ScoreGathering : IScoreVisitor
{
    public GatheredStrings Members;
    public List<double> Scores;

    public readonly void Begin()
    {
        Members.Clear();
        Scores.Clear();
    }

    public readonly void Visit(ReadOnlySpan<byte> member, double score)
    {
        Members.Add(member);
        Scores.Add(score);
    }

    /// <summary>Stores what was gathered in the place of whatever the key holds; nothing gathered removes the key, and says so. True when the key is there afterwards.</summary>
    public readonly bool Store(CommandCall call, KeyPlace place, int longest)
    {
        var wasThere = place.Exists;
        var edit = new SortedSetEdit(call, place, replaces: true);
        edit.Expect(Members.Count, longest);
        for (var i = 0; i < Members.Count; i++) edit.Put(Members[i], Scores[i]);
        if (edit.Save()) return true;
        if (wasThere) call.Changed(place.Key, KeyEvents.Generic, "del"u8);
        return false;
    }
}
