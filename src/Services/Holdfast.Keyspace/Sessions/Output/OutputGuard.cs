using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>Looks whether one client leaves too much unread, or much for too long: looked at whenever something is written to it, and once a second.</summary>
internal sealed class OutputGuard
{
    private static readonly Mark TooSlow = new("keyspace: a client was cut off because it did not read", elsewhere: "OutputLimitTests: simulated clients read what they are sent");

    private long slowSinceMicros;

    /// <summary>Bytes that one client may be owed in any case, which no limit of a user's can raise: <see cref="Wire.Resp.RespWriter.BytesMax"/>.</summary>
    public bool IsOver(ClientSession client, KeyspaceNode node)
    {
        var unread = client.Replies.Length;
        if (client.Replies.Writer.IsCut) return true;
        var limit = client.Subscribed.IsAny ? node.OutputLimits.PubSub : node.OutputLimits.Normal;
        if (limit.HardBytes > 0 && unread > limit.HardBytes) return true;
        if (limit.SoftBytes == 0 || unread <= limit.SoftBytes)
        {
            slowSinceMicros = 0;
            return false;
        }

        if (slowSinceMicros == 0) slowSinceMicros = node.WallMicros;
        return node.WallMicros - slowSinceMicros > limit.SoftSeconds * 1_000_000;
    }

    /// <summary>Cuts it off, and says so: whoever runs the node should know which client does not read.</summary>
    public void CutOff(ClientSession client, KeyspaceNode node)
    {
        if (client.IsClosed) return;
        TooSlow.Hit();
        node.Counters.OutputDisconnections++;
        node.Say?.Invoke(true, string.Create(CultureInfo.InvariantCulture, $"client {client.Id} at {client.Traits.Address} was cut off: it left {client.Replies.Length} bytes unread (client-output-buffer-limit)"));
        client.Close();
    }
}
