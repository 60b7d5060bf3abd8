using System.Globalization;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>What HSCAN, SSCAN and ZSCAN have met at one call. A small collection is met whole at once, whatever the count, as in Redis; a large one by a cursor over its table.</summary>
internal sealed class ScanGathering
{
    private readonly GatheredStrings found = new();
    private byte[] pattern = [];
    private bool isAll;
    private long count;

    /// <summary>Elements that were looked at.</summary>
    public int Seen { get; private set; }

    /// <summary>Parses a cursor; otherwise the error is the reply.</summary>
    public static bool TryCursor(CommandCall call, int argument, out ulong cursor)
    {
        if (ulong.TryParse(call[argument], NumberStyles.None, CultureInfo.InvariantCulture, out cursor)) return true;
        call.Reply.Error("ERR invalid cursor"u8);
        return false;
    }

    /// <summary>The reply for a key that is not there.</summary>
    public static void ReplyNothing(RespWriter reply)
    {
        reply.Array(2);
        reply.Bulk("0"u8);
        reply.Array(0);
    }

    public void Begin(in ScanOptions options)
    {
        found.Clear();
        (isAll, count, Seen) = (options.IsAll, options.Count, 0);
        pattern = isAll ? [] : options.Pattern.ToArray();
    }

    /// <summary>An element; true when it matches, and then the caller adds what goes with it.</summary>
    public bool Offer(ReadOnlySpan<byte> name)
    {
        Seen++;
        if (!isAll && !Glob.Matches(pattern, name)) return false;
        found.Add(name);
        return true;
    }

    /// <summary>What goes with the element that was offered.</summary>
    public void Add(ReadOnlySpan<byte> text) => found.Add(text);

    /// <summary>Walks a table until enough was looked at; returns the next cursor.</summary>
    public ulong Walk<TVisitor>(in RecordTable table, ulong cursor, ref TVisitor visitor)
        where TVisitor : IRecordVisitor, allows ref struct
    {
        var homesLeft = Math.Min(count, int.MaxValue) * 10;
        do
        {
            cursor = table.Walk(cursor, ref visitor);
        }
        while (cursor != 0 && Seen < count && --homesLeft > 0);
        return cursor;
    }

    public void Reply(RespWriter reply, ulong cursor)
    {
        reply.Array(2);
        Span<byte> text = stackalloc byte[24];
        System.Buffers.Text.Utf8Formatter.TryFormat(cursor, text, out var length);
        reply.Bulk(text[..length]);
        reply.Array(found.Count);
        for (var i = 0; i < found.Count; i++) reply.Bulk(found[i]);
    }
}
