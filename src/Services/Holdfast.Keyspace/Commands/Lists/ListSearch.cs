namespace Holdfast.Keyspace;

/// <summary>LPOS.</summary>
internal sealed class ListSearch(ListEdit edit)
{
    private readonly List<long> found = [];

    public void Run(CommandCall call)
    {
        if (!TryOptions(call, out var rank, out var count, out var compares)) return;
        var place = call.Locate(1);
        if (place.IsOtherThan(ValueKind.List))
        {
            call.Reply.Error(CommandErrors.WrongType);
            return;
        }

        found.Clear();
        if (place.Exists) Look(edit.Read(call, place), call[2], rank, count < 0 ? 1 : count == 0 ? long.MaxValue : count, compares == 0 ? long.MaxValue : compares);
        if (count >= 0)
        {
            call.Reply.Array(found.Count);
            foreach (var index in found) call.Reply.Integer(index);
        }
        else if (found.Count > 0)
        {
            call.Reply.Integer(found[0]);
        }
        else
        {
            call.Reply.Null();
        }
    }

    private void Look(QuickList list, ReadOnlySpan<byte> value, long rank, long count, long compares)
    {
        var isBackward = rank < 0;
        var skip = rank == long.MinValue ? 0 : Math.Abs(rank) - 1;
        var index = isBackward ? list.Count - 1 : 0;
        for (var at = isBackward ? list.Last : list.First; at.IsThere && compares > 0; compares--)
        {
            if (list.IsEqual(at, value) && skip-- <= 0)
            {
                found.Add(index);
                if (found.Count == count) return;
            }

            at = isBackward ? list.Before(at) : list.Next(at);
            index += isBackward ? -1 : 1;
        }
    }

    private static bool TryOptions(CommandCall call, out long rank, out long count, out long compares)
    {
        (rank, count, compares) = (1, -1, 0);
        for (var at = 3; at < call.Count; at += 2)
        {
            var hasMore = at + 1 < call.Count;
            if (hasMore && call.Is(at, "RANK"u8))
            {
                if (!call.TryInteger(at + 1, out rank)) return false;
                if (rank == 0) call.Reply.Error("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"u8);
                else continue;
                return false;
            }

            if (hasMore && call.Is(at, "COUNT"u8))
            {
                if (!call.TryPositive(at + 1, out count, "ERR COUNT can't be negative"u8)) return false;
            }
            else if (hasMore && call.Is(at, "MAXLEN"u8))
            {
                if (!call.TryPositive(at + 1, out compares, "ERR MAXLEN can't be negative"u8)) return false;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        return true;
    }
}
