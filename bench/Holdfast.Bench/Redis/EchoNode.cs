using System.Net;
using System.Net.Sockets;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Bench.Redis;

/// <summary>
/// What a machine does to a client by itself, for comparison: the production's event loop, on which every command that comes is answered with OK and nothing else is done, and beside it the production's writer of snapshots, which writes
/// one after another. What this loop's clients wait, no engine behind it can spare them.
/// </summary>
internal static class EchoNode
{
    private const int ChunkBytes = 192 * 1024;

    /// <param name="port">Where it listens, on loopback.</param>
    /// <param name="folder">Where snapshots are written.</param>
    /// <param name="bytes">Bytes of a snapshot; 0 for none.</param>
    public static int Run(int port, string folder, long bytes)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(511);
        using var loop = new EventLoop("echo", new Rest());
        loop.Register((int)listener.SafeHandle.DangerousGetHandle(), new Door(loop, listener), ReadyEvents.Readable);
        loop.Start();
        if (bytes > 0) new Thread(() => WriteSnapshots(folder, bytes)) { IsBackground = true, Name = "snapshots" }.Start();
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    private static void WriteSnapshots(string folder, long bytes)
    {
        var group = new GroupId(2);
        var store = new SnapshotStore(new DirectoryDisk(folder), new ClusterId(1));
        var chunk = new byte[ChunkBytes];
        new Random(1).NextBytes(chunk);
        for (var index = 1UL; ; index++)
        {
            using (var writer = store.Begin(group, new LogPosition(new Term(1), new LogIndex(index)), Configuration.OfVoters(new NodeId(1)), 1))
            {
                for (var left = bytes; left > 0; left -= chunk.Length) writer.AppendChunk(chunk);
                writer.Commit(0);
            }

            store.Prune(group, new LogPosition(new Term(1), new LogIndex(index)));
        }
    }

    /// <summary>A loop without groups.</summary>
    private sealed class Rest : ILoopBody
    {
        public Instant Turn(Instant now) => Instant.Never;
    }

    private sealed class Door(EventLoop loop, Socket listener) : IReadyHandler
    {
        public void OnReady(ReadyEvents events, Instant now)
        {
            var socket = listener.Accept();
            (socket.Blocking, socket.NoDelay) = (false, true);
            var client = new Client(loop, socket);
            client.Watch();
        }
    }

    /// <summary>Answers once for each command of three words that comes, which the load sends in one piece, with values that are all the same letter.</summary>
    private sealed class Client(EventLoop loop, Socket socket) : IReadyHandler
    {
        private readonly byte[] inbound = new byte[64 * 1024];
        private readonly byte[] replies = new byte[5 * 1024];
        private LoopRegistration registration;

        public void Watch() => registration = loop.Register((int)socket.SafeHandle.DangerousGetHandle(), this, ReadyEvents.Readable);

        public void OnReady(ReadyEvents events, Instant now)
        {
            var count = socket.Receive(inbound, SocketFlags.None, out var error);
            if (count == 0 || error != SocketError.Success)
            {
                loop.Unregister(registration);
                socket.Dispose();
                return;
            }

            var length = 0;
            for (var rest = inbound.AsSpan(0, count); rest.IndexOf("*3\r\n"u8) is >= 0 and var at; rest = rest[(at + 4)..])
            {
                "+OK\r\n"u8.CopyTo(replies.AsSpan(length));
                length += 5;
            }

            if (length > 0) socket.Send(replies.AsSpan(0, length));
        }
    }
}
