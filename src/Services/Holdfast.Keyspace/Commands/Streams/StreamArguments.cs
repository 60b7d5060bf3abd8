namespace Holdfast.Keyspace;

/// <summary>Reading numbers of entries and groups from arguments, with Redis's words when one is not what it should be.</summary>
internal static class StreamArguments
{
    private static ReadOnlySpan<byte> InvalidId => "ERR Invalid stream ID specified as stream command argument"u8;

    /// <summary>A number that is no "-" and no "+"; otherwise the error is the reply.</summary>
    public static bool TryStreamId(this CommandCall call, int argument, out StreamId id, ulong missingSequence = 0)
    {
        if (StreamId.TryParse(call[argument], missingSequence, out id)) return true;
        call.Reply.Error(InvalidId);
        return false;
    }

    /// <summary>A number whose sequence may be left open; otherwise the error is the reply.</summary>
    public static bool TryNewStreamId(this CommandCall call, int argument, out StreamId id, out bool isSequenceOpen)
    {
        if (StreamId.TryParse(call[argument], 0, out id, out isSequenceOpen)) return true;
        call.Reply.Error(InvalidId);
        return false;
    }

    /// <summary>A number, "-" for the least or "+" for the greatest; otherwise the error is the reply.</summary>
    public static bool TryStreamEdge(this CommandCall call, int argument, out StreamId id, ulong missingSequence)
    {
        if (call.Is(argument, "-"u8))
        {
            id = StreamId.Zero;
            return true;
        }

        if (call.Is(argument, "+"u8))
        {
            id = StreamId.Max;
            return true;
        }

        return call.TryStreamId(argument, out id, missingSequence);
    }

    /// <summary>The start of an interval: "(" before it leaves it out. Otherwise the error is the reply.</summary>
    public static bool TryStreamStart(this CommandCall call, int argument, out StreamId id) => TryInterval(call, argument, 0, isStart: true, out id);

    /// <summary>The end of an interval: "(" before it leaves it out. Otherwise the error is the reply.</summary>
    public static bool TryStreamEnd(this CommandCall call, int argument, out StreamId id) => TryInterval(call, argument, ulong.MaxValue, isStart: false, out id);

    /// <summary>A group of a stream that is there; otherwise the error is the reply.</summary>
    public static bool TryGroup(this CommandCall call, int keyArgument, int groupArgument, out KeyPlace place, out StreamGroup group)
    {
        group = null!;
        if (!call.TryLocate(keyArgument, ValueKind.Stream, out place)) return false;
        if (place.Exists && ((StreamValue)call.Keyspace.BigOf(place)).Find(call[groupArgument]) is { } found)
        {
            group = found;
            return true;
        }

        call.NoGroup($"No such key '{Text(call[keyArgument])}' or consumer group '{Text(call[groupArgument])}'");
        return false;
    }

    public static void NoGroup(this CommandCall call, string text) => call.Reply.Error("NOGROUP " + text);

    /// <summary>As C's %s shows bytes.</summary>
    public static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes.IndexOf((byte)0) is >= 0 and var end ? bytes[..end] : bytes);

    /// <summary>The consumer of a name, who is seen now; made if it is not there yet.</summary>
    public static StreamConsumer ConsumerOf(this CommandCall call, ReadOnlySpan<byte> key, StreamValue stream, StreamGroup group, ReadOnlySpan<byte> name)
    {
        if (group.Find(name) is not { } consumer)
        {
            stream.Add(group, consumer = new StreamConsumer(name.ToArray(), stream.Arena));
            call.ChangedBeside(key, KeyEvents.Stream, "xgroup-createconsumer"u8);
        }

        stream.Keep(consumer);
        consumer.SeenAt = call.Now;
        return consumer;
    }

    private static bool TryInterval(CommandCall call, int argument, ulong missingSequence, bool isStart, out StreamId id)
    {
        var text = call[argument];
        if (text.Length < 2 || text[0] != '(') return call.TryStreamEdge(argument, out id, missingSequence);
        if (!StreamId.TryParse(text[1..], missingSequence, out id)) call.Reply.Error(InvalidId);
        else if (isStart ? id.TryNext(out id) : id.TryBefore(out id)) return true;
        else call.Reply.Error(isStart ? "ERR invalid start ID for the interval"u8 : "ERR invalid end ID for the interval"u8);
        return false;
    }
}
