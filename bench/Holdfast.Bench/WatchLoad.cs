using Google.Protobuf;
using Holdfast.Bench.Http2;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Bench;

/// <summary>A watch stream with its share of the watchers, all on one key: counts the events that come in.</summary>
internal sealed class WatchLoad : IFrameReader
{
    private const byte EventsTag = (11 << 3) | 2;
    private readonly RawConnection connection;
    private readonly LoadClock clock;
    private byte[] rest = new byte[4096];
    private int restCount;
    private long created;
    private long events;

    public WatchLoad(string endpoint, string? authority, int watchers, LoadClock clock)
    {
        this.clock = clock;
        connection = new RawConnection(endpoint, authority);
        var block = new CallBlock(CallMessages.PathOf("watch"), endpoint, authority is not null);
        var create = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("bench/0000/000000") } }.ToByteArray();
        for (var watcher = 0; watcher < watchers; watcher++)
        {
            var target = connection.Reserve(create.Length + 256);
            var length = watcher == 0 ? block.Write(target, 1, true, create, endsStream: false) : CallBlock.WriteMessage(target, 1, create, endsStream: false);
            connection.Commit(length, create.Length + 5);
        }
    }

    /// <summary>Responses that said "created".</summary>
    public long Created => Volatile.Read(ref created);

    /// <summary>Events that came in while they were counted.</summary>
    public long Events => Volatile.Read(ref events);

    /// <summary>On a thread of its own, until it is shut.</summary>
    public void Run()
    {
        connection.Flush();
        while (connection.Read(this)) connection.Flush();
    }

    public void Shut() => connection.Shut();

    public void OnData(uint stream, ReadOnlySpan<byte> data)
    {
        if (restCount + data.Length > rest.Length) Array.Resize(ref rest, Math.Max(rest.Length * 2, restCount + data.Length));
        data.CopyTo(rest.AsSpan(restCount));
        restCount += data.Length;
        var at = 0;
        while (restCount - at >= 5)
        {
            var length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(rest.AsSpan(at + 1));
            if (restCount - at - 5 < length) break;
            Look(rest.AsSpan(at + 5, length));
            at += 5 + length;
        }

        rest.AsSpan(at, restCount - at).CopyTo(rest);
        restCount -= at;
    }

    public void OnEnd(uint stream) => connection.Shut();

    /// <summary>Counts the events of a WatchResponse without building it.</summary>
    private void Look(ReadOnlySpan<byte> message)
    {
        var found = 0;
        for (var at = 0; at < message.Length;)
        {
            var tag = message[at++];
            var value = Varint(message, ref at);
            if ((tag & 7) == 2) at += (int)value;
            if (tag == EventsTag) found++;
            else if (tag == ((3 << 3) | 0) && value == 1) Volatile.Write(ref created, created + 1);
        }

        if (clock.IsCounting) Volatile.Write(ref events, events + found);
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var one = bytes[at++];
            value |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80) return value;
        }
    }
}
