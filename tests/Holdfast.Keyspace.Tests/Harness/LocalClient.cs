using System.Text;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace.Tests;

/// <summary>A client without a socket: bytes in, bytes out.</summary>
internal sealed class LocalClient : IClientWire
{
    private readonly Action turn;
    private readonly ByteBuffer received = new();

    public LocalClient(LocalShards shards)
        : this(shards.Turn, shards.Node)
    {
    }

    /// <summary>A client of a node; <paramref name="turn"/> lets everything happen that can.</summary>
    public LocalClient(Action turn, KeyspaceNode node)
    {
        this.turn = turn;
        Session = new ClientSession(node, this, new Stack<byte[]>());
    }

    public ClientSession Session { get; }

    public bool IsClosed { get; private set; }

    /// <summary>It does not read what is sent to it.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>Sends bytes and lets everything happen that can.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var room = Session.Input.Room(Session.HasRequest);
            var part = bytes[..Math.Min(room.Length, bytes.Length)];
            part.CopyTo(room);
            Session.Input.Received(part.Length);
            bytes = bytes[part.Length..];
            if (!Session.HasRequest) Session.GoOn();
            turn();
        }
    }

    public void Send(params string[] words) => Send(Request.Of(words));

    /// <summary>One command, and its reply in one line.</summary>
    public string Ask(params string[] words)
    {
        Send(words);
        return Take();
    }

    /// <summary>One command written as a person would, and its reply in one line.</summary>
    public string Say(string line) => Ask(Request.Split(line));

    /// <summary>The next reply in one line; "(nothing)" when there is none.</summary>
    public string Take()
    {
        var length = RespReply.Measure(received.Written);
        Assert.True(length >= 0, "a reply is not RESP: " + Encoding.Latin1.GetString(received.Written));
        if (length == 0) return received.Length == 0 ? "(nothing)" : "(part) " + RespReply.ToText(received.Written);
        var text = RespReply.ToText(received.Written[..length]).TrimEnd();
        received.DropFirst(length);
        return text;
    }

    /// <summary>One command, and the bytes of the bulk string that it replies.</summary>
    public string AskBulk(params string[] words)
    {
        Send(words);
        var bytes = Request.BulkIn(received.Written, out var length);
        received.DropFirst(length);
        return bytes;
    }

    /// <summary>SYNC: the RDB file that it replies, and nothing after it.</summary>
    public byte[] AskFile()
    {
        Send("SYNC");
        Assert.True(Request.TryFile(received.Written, out var file), "the file is not whole");
        Assert.EndsWith(Encoding.Latin1.GetString(file), Encoding.Latin1.GetString(received.Written), StringComparison.Ordinal);
        received.Clear();
        return file;
    }

    public void OnSendable(ClientSession client)
    {
        var bytes = client.Replies.Sendable;
        if (bytes.IsEmpty || IsDeaf) return;
        new SpanWriter(received).WriteBytes(bytes);
        client.Replies.Sent(bytes.Length);
        if (client is { IsLeaving: true, Replies.Length: 0 }) client.Close();
    }

    public void OnTold(ClientSession client) => OnSendable(client);

    public void OnClosed(ClientSession client) => IsClosed = true;
}
