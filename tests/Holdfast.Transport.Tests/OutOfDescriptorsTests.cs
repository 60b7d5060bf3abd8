using System.Net.Sockets;
using System.Runtime.InteropServices;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport.Tests;

/// <summary>Beside no other test: for a moment nobody in the process can open anything.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class WithoutDescriptors;

[Collection(typeof(WithoutDescriptors))]
public sealed class OutOfDescriptorsTests
{
    [Fact]
    public async Task A_node_that_has_no_descriptor_for_a_caller_takes_him_in_when_it_has_one()
    {
        using var node = new TestNode(9);
        using var before = new RawPeer(node.Listener.Endpoint);
        Assert.Equal(PeerVerdict.Accepted, before.Introduce(RawPeer.PreambleTo(node, 4)));
        await node.Happened.Until("up 4");
        using var waiting = new RawPeer();
        _ = new SocketException((int)SocketError.TooManyOpenSockets).Message; // Loaded while files can still be opened.
        using (new NoDescriptors())
        {
            waiting.Connect(node.Listener.Endpoint);
            await node.Happened.Until("log the peer port cannot accept");
        }

        Assert.Equal(PeerVerdict.Accepted, waiting.Introduce(RawPeer.PreambleTo(node, 5)));
        waiting.SendFrame("taken in"u8);
        await node.Happened.Until("frame 5 taken in");
        before.SendFrame("still here"u8);
        await node.Happened.Until("frame 4 still here");
        Assert.False(node.Fatal.IsCompleted);
    }
}

/// <summary>While it is there no descriptor can be had by this process; those that are open stay open (setrlimit, RLIMIT_NOFILE).</summary>
internal sealed partial class NoDescriptors : IDisposable
{
    private const int OpenFiles = 7;

    private readonly Limit before;

    private record struct Limit(ulong Soft, ulong Hard);

    public NoDescriptors()
    {
        Assert.Equal(0, GetLimit(OpenFiles, out before));
        Set(before with { Soft = 0 });
    }

    public void Dispose() => Set(before);

    private static void Set(Limit limit) => Assert.Equal(0, SetLimit(OpenFiles, limit));

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);
}
