using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Interop.Tests.Hostile;

/// <summary>What strangers may do to the port that is meant for other nodes: nothing that anybody notices.</summary>
[Collection(Alone.Name)]
public sealed class PeerPortTests
{
    private const int MegabytesMax = 500;

    [Fact]
    public async Task Garbage_and_absurd_lengths_behind_a_true_preamble_disturb_nobody()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var bystander = new Bystander(cluster);
        var dice = new Random(11);
        for (var node = 0; node < 3; node++)
        {
            using var asking = await RawConnection.ToAsync(cluster.PeerPort(node));
            var answer = await asking.IntroduceAsync(PeerConnectionKind.Control, ClusterId.None, NodeId.None);
            Assert.Equal(PeerVerdict.Accepted, answer.Verdict);
            foreach (var kind in (PeerConnectionKind[])[PeerConnectionKind.Mesh, PeerConnectionKind.Beat, PeerConnectionKind.Control])
                for (var nonsense = 0; nonsense < 6; nonsense++) await TalkNonsenseAsync(cluster.PeerPort(node), kind, answer, nonsense, dice);
        }

        await bystander.AssertUnharmedAsync(MegabytesMax);
    }

    [Fact]
    public async Task Thousands_of_silent_connections_keep_no_peer_and_no_client_out()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var returning = await cluster.LeaderAsync() == 1 ? 2 : 1; // A follower, so that nobody is disturbed by an election.
        await using var bystander = new Bystander(cluster, 0, 3 - returning);
        await bystander.UntilWroteAsync(more: 5);
        var silent = new List<RawConnection>();
        for (var i = 0; i < 2500; i++)
        {
            silent.Add(await RawConnection.ToAsync(cluster.PeerPort(0)));
            silent.Add(await RawConnection.ToAsync(cluster.ClientPort(0)));
        }

        await bystander.UntilWroteAsync(more: 100); // Beside them, and by way of the very node whose doors they stand in.

        // A node that comes back has to be let in past them.
        cluster.Kill(returning);
        cluster.Start(returning);
        await cluster.UntilServesAsync(returning);
        await bystander.AssertUnharmedAsync(MegabytesMax);
        silent.ForEach(connection => connection.Dispose());
    }

    private static async Task TalkNonsenseAsync(int port, PeerConnectionKind kind, PeerAnswer target, int nonsense, Random dice)
    {
        using var connection = await RawConnection.ToAsync(port);
        if ((await connection.IntroduceAsync(kind, target.Cluster, target.Node)).Verdict != PeerVerdict.Accepted) return;
        var body = new byte[200];
        switch (nonsense)
        {
            case 0: // Four gigabytes are announced.
                await connection.TrySendHeaderAsync(new PeerFrameHeader(uint.MaxValue, 0));
                break;
            case 1: // As much as is allowed is announced, and never comes.
                await connection.TrySendHeaderAsync(new PeerFrameHeader(16 << 20, 0));
                await connection.TrySendAsync(body);
                break;
            case 2: // Nothing is announced.
                await connection.TrySendHeaderAsync(new PeerFrameHeader(0, 0));
                break;
            case 3: // The checksum is wrong.
                dice.NextBytes(body);
                await connection.TrySendHeaderAsync(new PeerFrameHeader((uint)body.Length, 1));
                await connection.TrySendAsync(body);
                break;
            case 4: // Garbage in good order: version, kind and checksum are right. Of a group that is there only the beginning of a message, of one that is not anything.
                for (var i = 0; i < 500; i++)
                {
                    dice.NextBytes(body);
                    (body[0], body[1]) = (1, (byte)dice.Next(32));
                    if (i % 2 == 0) body.AsSpan(2, 12).Clear();
                    var frame = body.AsMemory(0, i % 2 == 0 ? 14 + (i % 6) : 1 + (i % 199));
                    await connection.TrySendHeaderAsync(PeerFrameHeader.Of(frame.Span));
                    if (!await connection.TrySendAsync(frame)) break;
                }

                break;
            default: // Just noise.
                dice.NextBytes(body);
                await connection.TrySendAsync(body);
                break;
        }
    }
}
