using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Sorted sets: members one by one.</summary>
internal sealed unsafe class SortedSetCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        BigValues.Register(ValueKind.SortedSet, ValueEncoding.SkipList, (ref SpanReader reader, Keyspace owner) => TableValue.Read(new BigSortedSet(owner), ref reader));
        table.Bind("zadd", call => Add(call), "Adds members with scores to a sorted set, or gives them other scores, on conditions if asked");
        table.Bind("zincrby", IncrBy, "Adds to the score of a member of a sorted set");
        table.Bind("zrem", Remove, "Removes members of a sorted set, and the sorted set with its last one");
        table.Bind("zcard", Count, "Counts the members of a sorted set");
        table.Bind("zscore", ScoreOf, "Returns the score of a member of a sorted set");
        table.Bind("zmscore", ScoresOf, "Returns the scores of members of a sorted set");
        table.Bind("zrank", call => Rank(call, isReverse: false), "Returns how many members of a sorted set are before a member");
        table.Bind("zrevrank", call => Rank(call, isReverse: true), "Returns how many members of a sorted set are behind a member");
        table.Bind("zscan", Scan, "Walks over the members of a sorted set, a few at a time");
    }

    private static void Add(CommandCall call)
    {
        if (!AddOptions.TryParse(call, out var options) || !HasScores(call, options)) return;
        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        if (!place.Exists && options.IfThere)
        {
            if (options.Increments) call.Reply.Null();
            else call.Reply.Integer(0);
            return;
        }

        var edit = new SortedSetEdit(call, place);
        if (!place.Exists) edit.Expect(1, call[options.First + 1].Length);
        var (added, updated, processed, last) = (0, 0, 0, 0.0);
        for (var i = options.First; i < call.Count; i += 2)
        {
            Score.TryParse(call[i], out var score);
            var outcome = Put(ref edit, call[i + 1], score, options, out last);
            if (outcome == Outcome.NotANumber)
            {
                call.Reply.Error("ERR resulting score is not a number (NaN)"u8);
                return;
            }

            if (outcome != Outcome.Passed) processed++;
            if (outcome == Outcome.Added) added++;
            if (outcome == Outcome.Updated) updated++;
        }

        edit.Save();
        if (added + updated > 0) call.Changed(call[1], KeyEvents.SortedSet, options.Increments ? "zincr"u8 : "zadd"u8, added + updated);
        if (!options.Increments) call.Reply.Integer(options.CountsChanges ? added + updated : added);
        else if (processed > 0) call.Reply.Double(last);
        else call.Reply.Null();
    }

    private static bool HasScores(CommandCall call, in AddOptions options)
    {
        for (var i = options.First; i < call.Count; i += 2)
        {
            if (Score.TryParse(call[i], out _)) continue;
            call.Reply.Error(CommandErrors.NotAFloat);
            return false;
        }

        return true;
    }

    private enum Outcome : byte
    {
        /// <summary>A condition did not hold.</summary>
        Passed = 0,
        Added = 1,
        Updated = 2,

        /// <summary>It has that score already.</summary>
        Same = 3,
        NotANumber = 4,
    }

    private static Outcome Put(ref SortedSetEdit edit, ReadOnlySpan<byte> member, double score, in AddOptions options, out double result)
    {
        result = score;
        if (!edit.TryScore(member, out var before))
        {
            if (options.IfThere) return Outcome.Passed;
            edit.Put(member, score);
            return Outcome.Added;
        }

        if (options.IfAbsent) return Outcome.Passed;
        if (options.Increments) result = before + score;
        if (double.IsNaN(result)) return Outcome.NotANumber;
        if ((options.IfLess && result >= before) || (options.IfGreater && result <= before)) return Outcome.Passed;
        if (result == before) return Outcome.Same;
        edit.Put(member, result);
        return Outcome.Updated;
    }

    private static void IncrBy(CommandCall call)
    {
        if (!Score.TryParse(call[2], out var amount))
        {
            call.Reply.Error(CommandErrors.NotAFloat);
            return;
        }

        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        var edit = new SortedSetEdit(call, place);
        if (!place.Exists) edit.Expect(1, call[3].Length);
        var outcome = Put(ref edit, call[3], amount, new AddOptions { Increments = true }, out var score);
        if (outcome == Outcome.NotANumber)
        {
            call.Reply.Error("ERR resulting score is not a number (NaN)"u8);
            return;
        }

        edit.Save();
        if (outcome != Outcome.Same) call.Changed(call[1], KeyEvents.SortedSet, "zincr"u8);
        call.Reply.Double(score);
    }

    private static void Remove(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        var removed = 0;
        if (place.Exists)
        {
            var edit = new SortedSetEdit(call, place);
            for (var i = 2; i < call.Count && edit.Count > 0; i++)
                if (edit.Remove(call[i])) removed++;
            if (removed > 0)
            {
                call.Changed(call[1], KeyEvents.SortedSet, "zrem"u8, removed);
                if (!edit.Save()) call.Notify(call[1], KeyEvents.Generic, "del"u8);
            }
        }

        call.Reply.Integer(removed);
    }

    private static void Count(CommandCall call)
    {
        if (call.TryLocate(1, ValueKind.SortedSet, out var place)) call.Reply.Integer(SortedSetValue.CountOf(call.Keyspace, place));
    }

    private static void ScoreOf(CommandCall call)
    {
        if (call.TryLocate(1, ValueKind.SortedSet, out var place)) ReplyScore(call, place, call[2]);
    }

    private static void ScoresOf(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        call.Reply.Array(call.Count - 2);
        for (var i = 2; i < call.Count; i++) ReplyScore(call, place, call[i]);
    }

    private static void ReplyScore(CommandCall call, in KeyPlace place, ReadOnlySpan<byte> member)
    {
        if (SortedSetValue.TryScore(call.Keyspace, place, member, out var score)) call.Reply.Double(score);
        else call.Reply.Null();
    }

    private static void Rank(CommandCall call, bool isReverse)
    {
        if (call.Count > 4)
        {
            call.WrongArity();
            return;
        }

        var withScore = call.Count == 4;
        if (withScore && !call.Is(3, "WITHSCORE"u8))
        {
            call.SyntaxError();
            return;
        }

        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        if (!SortedSetValue.TryScore(call.Keyspace, place, call[2], out var score))
        {
            if (withScore) call.Reply.NullArray();
            else call.Reply.Null();
            return;
        }

        var rank = SortedSetValue.CountBefore(call.Keyspace, place, new MemberBound(score, call[2]));
        if (isReverse) rank = SortedSetValue.CountOf(call.Keyspace, place) - 1 - rank;
        if (withScore) call.Reply.Array(2);
        call.Reply.Integer(rank);
        if (withScore) call.Reply.Double(score);
    }

    private static void Scan(CommandCall call)
    {
        if (!ScanGathering.TryCursor(call, 2, out var cursor) || !call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        if (!place.Exists)
        {
            ScanGathering.ReplyNothing(call.Reply);
            return;
        }

        if (!ScanOptions.TryParse(call, 3, hasType: false, out var options)) return;
        call.Scratch.Scan.Begin(options);
        var scanning = new Scanning { Into = call.Scratch.Scan, Big = place.IsBig ? (BigSortedSet)call.Keyspace.BigOf(place) : null };
        if (scanning.Big is { } big) cursor = call.Scratch.Scan.Walk(big.Table, cursor, ref scanning);
        else SortedSetValue.WalkAll(call, place, ref scanning);
        call.Scratch.Scan.Reply(call.Reply, place.IsBig ? cursor : 0);
    }

    private struct Scanning : IScoreVisitor, IRecordVisitor
    {
        public ScanGathering Into;
        public BigSortedSet? Big;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            if (!Into.Offer(member)) return;
            Span<byte> text = stackalloc byte[RespNumber.BytesMax];
            // Redis keeps whole scores of small sorted sets as whole numbers, and shows them here as they are kept.
            var isWhole = Big is null && Math.Abs(score) <= long.MaxValue / 2 && score == Math.Truncate(score);
            Into.Add(text[..(isWhole ? RespNumber.Format((long)score, text) : RespNumber.Format(score, text))]);
        }

        public readonly void Visit(byte* record)
        {
            if (Big!.Shows(record, long.MaxValue)) Visit(RecordHead.KeyOf(record), ScoreRecord.Score(record));
        }
    }
}

/// <summary>ZADD's conditions.</summary>
internal readonly struct AddOptions
{
    public bool IfAbsent { get; init; }

    public bool IfThere { get; init; }

    public bool IfGreater { get; init; }

    public bool IfLess { get; init; }

    public bool CountsChanges { get; init; }

    public bool Increments { get; init; }

    /// <summary>The argument of the first score.</summary>
    public int First { get; init; }

    /// <summary>Parses them; otherwise the error is the reply.</summary>
    public static bool TryParse(CommandCall call, out AddOptions options)
    {
        var (absent, there, greater, less, changes, increments) = (false, false, false, false, false, false);
        var at = 2;
        for (; at < call.Count; at++)
        {
            if (call.Is(at, "NX"u8)) absent = true;
            else if (call.Is(at, "XX"u8)) there = true;
            else if (call.Is(at, "GT"u8)) greater = true;
            else if (call.Is(at, "LT"u8)) less = true;
            else if (call.Is(at, "CH"u8)) changes = true;
            else if (call.Is(at, "INCR"u8)) increments = true;
            else break;
        }

        options = new AddOptions { IfAbsent = absent, IfThere = there, IfGreater = greater, IfLess = less, CountsChanges = changes, Increments = increments, First = at };
        var left = call.Count - at;
        if (left == 0 || left % 2 != 0) call.SyntaxError();
        else if (absent && there) call.Reply.Error("ERR XX and NX options at the same time are not compatible"u8);
        else if ((greater && absent) || (less && absent) || (greater && less)) call.Reply.Error("ERR GT, LT, and/or NX options at the same time are not compatible"u8);
        else if (increments && left > 2) call.Reply.Error("ERR INCR option supports a single increment-element pair"u8);
        else return true;
        return false;
    }
}
