using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>The longest common subsequence of two strings.</summary>
internal sealed class LcsCommand : ICommandFamily
{
    private const long CellsMax = StringValue.BytesMax / sizeof(int);

    public void Bind(CommandTable table) => table.Bind("lcs", Lcs, "Finds the longest common subsequence of two strings");

    private readonly record struct Options(bool Length, bool Positions, bool WithLengths, long ShortestMatch);

    private static void Lcs(CommandCall call)
    {
        var first = call.Locate(1);
        var second = call.Locate(2);
        if (first.IsOtherThan(ValueKind.String) || second.IsOtherThan(ValueKind.String))
        {
            call.Reply.Error("ERR The specified keys must contain string values"u8);
            return;
        }

        if (!TryOptions(call, out var options)) return;
        if (options is { Length: true, Positions: true })
        {
            call.Reply.Error("ERR If you want both the length and indexes, please just use IDX."u8);
            return;
        }

        var a = first.Bytes;
        var b = second.Bytes;
        if ((a.Length + 1L) * (b.Length + 1L) > CellsMax)
        {
            call.Reply.Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"u8);
            return;
        }

        var lengths = Fill(a, b);
        if (options.Length) call.Reply.Integer(lengths[^1]);
        else if (options.Positions) ReplyPositions(call.Reply, a, b, lengths, options);
        else call.Reply.Bulk(Common(a, b, lengths));
    }

    private static bool TryOptions(CommandCall call, out Options options)
    {
        var (length, positions, with, shortest) = (false, false, false, 0L);
        options = default;
        for (var at = 3; at < call.Count; at++)
        {
            if (call.Is(at, "IDX"u8)) positions = true;
            else if (call.Is(at, "LEN"u8)) length = true;
            else if (call.Is(at, "WITHMATCHLEN"u8)) with = true;
            else if (call.Is(at, "MINMATCHLEN"u8) && at + 1 < call.Count)
            {
                if (!call.TryInteger(++at, out shortest)) return false;
                shortest = Math.Max(0, shortest);
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        options = new Options(length, positions, with, shortest);
        return true;
    }

    private static int[] Fill(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var width = b.Length + 1;
        var lengths = new int[(a.Length + 1) * width];
        for (var i = 1; i <= a.Length; i++)
            for (var j = 1; j <= b.Length; j++)
                lengths[(i * width) + j] = a[i - 1] == b[j - 1] ? lengths[((i - 1) * width) + j - 1] + 1 : Math.Max(lengths[((i - 1) * width) + j], lengths[(i * width) + j - 1]);
        return lengths;
    }

    private static byte[] Common(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, int[] lengths)
    {
        var width = b.Length + 1;
        var found = new byte[lengths[^1]];
        for (int i = a.Length, j = b.Length, left = found.Length; left > 0;)
        {
            if (a[i - 1] == b[j - 1])
            {
                found[--left] = a[i - 1];
                (i, j) = (i - 1, j - 1);
            }
            else if (lengths[((i - 1) * width) + j] > lengths[(i * width) + j - 1]) i--;
            else j--;
        }

        return found;
    }

    /// <summary>The matching ranges, from the end; each as long as it goes on in both.</summary>
    private static void ReplyPositions(RespWriter reply, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, int[] lengths, in Options options)
    {
        var width = b.Length + 1;
        var ranges = new List<(int AStart, int AEnd, int BStart, int BEnd)>();
        var open = (AStart: a.Length, AEnd: 0, BStart: 0, BEnd: 0);
        for (int i = a.Length, j = b.Length; i > 0 && j > 0;)
        {
            var closes = false;
            if (a[i - 1] == b[j - 1])
            {
                if (open.AStart == a.Length) open = (i - 1, i - 1, j - 1, j - 1);
                else if (open.AStart == i && open.BStart == j) (open.AStart, open.BStart) = (open.AStart - 1, open.BStart - 1);
                else closes = true;
                closes |= open.AStart == 0 || open.BStart == 0;
                (i, j) = (i - 1, j - 1);
            }
            else
            {
                if (lengths[((i - 1) * width) + j] > lengths[(i * width) + j - 1]) i--;
                else j--;
                closes = open.AStart != a.Length;
            }

            if (!closes) continue;
            if (options.ShortestMatch == 0 || open.AEnd - open.AStart + 1 >= options.ShortestMatch) ranges.Add(open);
            open.AStart = a.Length;
        }

        reply.Map(2);
        reply.Bulk("matches"u8);
        reply.Array(ranges.Count);
        foreach (var range in ranges)
        {
            reply.Array(options.WithLengths ? 3 : 2);
            reply.Array(2);
            reply.Integer(range.AStart);
            reply.Integer(range.AEnd);
            reply.Array(2);
            reply.Integer(range.BStart);
            reply.Integer(range.BEnd);
            if (options.WithLengths) reply.Integer(range.AEnd - range.AStart + 1);
        }

        reply.Bulk("len"u8);
        reply.Integer(lengths[^1]);
    }
}
