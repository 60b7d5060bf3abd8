using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>CLUSTER MEET: finds the peer port of a node whose Redis port was named, as any client would, and has the cluster's part of this node meet it.</summary>
internal static class MeetCaller
{
    private const int ReplyBytesMax = 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static async Task<WishOutcome> MeetAsync(ClusterNode cluster, ClusterPeer self, ClusterWish.Meet meet, CancellationToken cancellation)
    {
        if (meet.Port == self.Port && meet.Host == self.Host) return WishOutcome.Done;
        var bus = meet.BusPort;
        if (bus == 0)
        {
            var (found, fault) = await FindAsync(meet.Host, meet.Port, cancellation).ConfigureAwait(false);
            if (fault is not null) return WishOutcome.Refused(fault);
            bus = found;
        }

        return await cluster.MeetAsync(HostPort.Format(meet.Host, bus), cancellation).ConfigureAwait(false) is { } why ? WishOutcome.Refused(why) : WishOutcome.Done;
    }

    /// <summary>The bus port that a node shows of itself in CLUSTER NODES.</summary>
    private static async Task<(int Port, string? Fault)> FindAsync(string host, int port, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            using var client = new TcpClient { NoDelay = true };
            await client.ConnectAsync(host, port, patience.Token).ConfigureAwait(false);
            var stream = client.GetStream();
            await stream.WriteAsync("*2\r\n$7\r\nCLUSTER\r\n$5\r\nNODES\r\n"u8.ToArray(), patience.Token).ConfigureAwait(false);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            var head = await reader.ReadLineAsync(patience.Token).ConfigureAwait(false) ?? "";
            if (head.StartsWith('-')) return (0, $"{host}:{port} says \"{head[1..]}\": name its bus port too (CLUSTER MEET ip port bus-port), which CLUSTER NODES shows there behind the @");
            for (var left = ReplyBytesMax; left > 0;)
            {
                if (await reader.ReadLineAsync(patience.Token).ConfigureAwait(false) is not { Length: > 0 } line) break;
                left -= line.Length;
                if (!line.Contains("myself", StringComparison.Ordinal)) continue;
                var at = line.IndexOf('@', StringComparison.Ordinal);
                var end = at < 0 ? -1 : line.AsSpan(at).IndexOfAny(' ', ',');
                if (end > 0 && int.TryParse(line.AsSpan(at + 1, end - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bus)) return (bus, null);
            }

            return (0, $"{host}:{port} does not say which node it is");
        }
        catch (Exception fault) when (fault is SocketException or IOException or OperationCanceledException)
        {
            return (0, $"{host}:{port} cannot be asked who it is: {fault.Message}");
        }
    }
}
