using System.Text;
using Holdfast.Keyspace;
using Holdfast.Replication;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Simulation.Shards;

/// <summary>A client's connection to a process: commands in, replies out, each reply a line of text; none at all when it was cut off (S19).</summary>
internal sealed class SimConnection : IClientWire
{
    private readonly ShardSite site;
    private readonly ClientSession session;
    private readonly ByteBuffer received = new();
    private TaskCompletionSource<string[]?>? asking;
    private int repliesWanted;
    private bool isClosed;

    public SimConnection(ShardSite site, Stack<byte[]> buffers)
    {
        this.site = site;
        session = new ClientSession(site.Node, this, buffers);
    }

    /// <summary>Sends commands together; their replies, or null when the connection was cut before all were there.</summary>
    public ValueTask<string[]?> AskAsync(params string[][] commands)
    {
        if (isClosed || !site.IsAlive) return new((string[]?)null);
        (repliesWanted, asking) = (commands.Length, new TaskCompletionSource<string[]?>());
        foreach (var words in commands)
        {
            var bytes = Encoding.Latin1.GetBytes($"*{words.Length}\r\n" + string.Concat(words.Select(word => $"${word.Length}\r\n{word}\r\n"))).AsSpan();
            while (bytes.Length > 0 && !isClosed)
            {
                var room = session.Input.Room(session.HasRequest);
                if (room.IsEmpty) break;
                var part = bytes[..Math.Min(room.Length, bytes.Length)];
                part.CopyTo(room);
                session.Input.Received(part.Length);
                bytes = bytes[part.Length..];
            }
        }

        var task = asking.Task;
        if (!session.HasRequest) session.GoOn();
        site.Depart();
        return new(task);
    }

    public void Close() => session.Close();

    /// <summary>A planted bug: while the client waits it is one of those who ask for no more than that their commands be executed, so that it hears with whatever command serves it. False when it waits for nothing more.</summary>
    public bool HearsEarly()
    {
        if (session.IsBlocked) session.ChooseDurability(Durability.Async);
        return asking is not null;
    }

    public void OnSendable(ClientSession client)
    {
        var bytes = client.Replies.Sendable;
        if (bytes.IsEmpty) return;
        new SpanWriter(received).WriteBytes(bytes);
        client.Replies.Sent(bytes.Length);
        var replies = new List<string>();
        for (var at = 0; at < received.Length;)
        {
            var length = RespReply.Measure(received.Written[at..]);
            if (length <= 0) break;
            replies.Add(RespReply.ToText(received.Written.Slice(at, length)).TrimEnd());
            at += length;
        }

        if (asking is null || replies.Count < repliesWanted) return;
        received.Clear();
        var done = asking;
        asking = null;
        done.SetResult([.. replies]);
    }

    public void OnTold(ClientSession client) => OnSendable(client);

    public void OnClosed(ClientSession client)
    {
        isClosed = true;
        asking?.TrySetResult(null);
        asking = null;
    }
}
