using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>SORT and SORT_RO. BY and GET with patterns reach keys of other slots and are refused, as Redis does in cluster mode. Much is sorted in slices (<see cref="SortRun"/>).</summary>
internal sealed class SortCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("sort", call => Sort(call, mayStore: true), "Returns the elements of a list, set or sorted set in order, or stores them").MoreKeys = FindStore;
        table.Bind("sort_ro", call => Sort(call, mayStore: false), "Returns the elements of a list, set or sorted set in order");
    }

    /// <summary>Options of SORT.</summary>
    private record struct Options(bool IsDescending, bool IsAlphabetic, bool IsUnsorted, long From, long Count, int StoreAt);

    private static void Sort(CommandCall call, bool mayStore)
    {
        if (!TryOptions(call, mayStore, out var options)) return;
        var run = SlicedRun.Of<SortRun>(call) ?? new SortRun(new SortOrder(options.IsUnsorted, options.IsAlphabetic, options.IsDescending, options.StoreAt > 0), options.From, options.Count);
        if (!run.TryFinish(call)) return;
        if (run.IsOfOtherKind)
        {
            call.Reply.Error(CommandErrors.WrongType);
            return;
        }

        if (run.IsFaulty)
        {
            call.Reply.Error("ERR One or more scores can't be converted into double"u8);
            return;
        }

        if (options.StoreAt > 0)
        {
            Store(call, options.StoreAt, run);
            return;
        }

        call.Reply.Array(run.Wanted);
        for (var i = 0; i < run.Wanted; i++) call.Reply.Bulk(run[i]);
    }

    private static void Store(CommandCall call, int argument, SortRun run)
    {
        var place = call.Locate(argument);
        if (run.Wanted > 0)
        {
            ListEdit.Set(call, ref place, run.TakeList(), -1);
            call.Changed(place.Key, KeyEvents.List, "sortstore"u8, run.Wanted);
        }
        else if (place.Exists)
        {
            call.Keyspace.Remove(ref place);
            call.Changed(place.Key, KeyEvents.Generic, "del"u8);
        }

        call.Reply.Integer(run.Wanted);
    }

    private static bool TryOptions(CommandCall call, bool mayStore, out Options options)
    {
        options = new Options(false, false, false, 0, -1, 0);
        for (var at = 2; at < call.Count; at++)
        {
            var more = call.Count - at - 1;
            if (call.Is(at, "ASC"u8)) options.IsDescending = false;
            else if (call.Is(at, "DESC"u8)) options.IsDescending = true;
            else if (call.Is(at, "ALPHA"u8)) options.IsAlphabetic = true;
            else if (more >= 2 && call.Is(at, "LIMIT"u8))
            {
                if (!call.TryInteger(at + 1, out var from) || !call.TryInteger(at + 2, out var count)) return false;
                (options.From, options.Count) = (from, count);
                at += 2;
            }
            else if (mayStore && more >= 1 && call.Is(at, "STORE"u8))
            {
                options.StoreAt = ++at;
            }
            else if (more >= 1 && call.Is(at, "BY"u8))
            {
                if (call[++at].Contains((byte)'*')) return Refuse(call, "ERR BY option of SORT denied in Cluster mode."u8);
                options.IsUnsorted = true;
            }
            else if (more >= 1 && call.Is(at, "GET"u8))
            {
                return Refuse(call, "ERR GET option of SORT denied in Cluster mode."u8);
            }
            else
            {
                return Refuse(call, CommandErrors.Syntax);
            }
        }

        return true;
    }

    private static bool Refuse(CommandCall call, ReadOnlySpan<byte> error)
    {
        call.Reply.Error(error);
        return false;
    }

    /// <summary>The key behind STORE: the last one counts.</summary>
    private static void FindStore(RespArguments arguments, List<int> places)
    {
        var found = 0;
        for (var at = 2; at < arguments.Count; at++)
        {
            if (Is(arguments, at, "LIMIT"u8)) at += 2;
            else if (Is(arguments, at, "GET"u8) || Is(arguments, at, "BY"u8)) at++;
            else if (Is(arguments, at, "STORE"u8) && at + 1 < arguments.Count) found = ++at;
        }

        if (found > 0 && !places.Contains(found)) places.Add(found);
    }

    private static bool Is(RespArguments arguments, int at, ReadOnlySpan<byte> word) => System.Text.Ascii.EqualsIgnoreCase(arguments[at], word);
}
