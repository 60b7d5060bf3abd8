using System.Security.Cryptography.X509Certificates;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Cluster.Tests;

/// <summary>Who is let in, and on which proof, when a known name comes with an empty disk (S4).</summary>
public sealed class JoinDeskTests
{
    private readonly DirectoryState directory = Cast.Founded(1, 2, 3);
    private readonly SeatInMemory seat = new(1);

    [Fact]
    public async Task S4_a_wiped_node_that_shows_nothing_is_refused_and_told_what_to_do()
    {
        var refused = await Assert.ThrowsAsync<ControlRefusedException>(() => AskAsync(null, Question(9, "n2")));
        Assert.Contains("proves who it is", refused.Message, StringComparison.Ordinal);
        Assert.False(refused.MayPass);
        Assert.False(directory.View.Members.ContainsKey(new NodeId(9)));
    }

    [Fact]
    public async Task S4_a_wiped_node_comes_back_with_a_token()
    {
        byte[] secret = [1, 2, 3, 4];
        Assert.True(directory.Tell(DirectoryCommand.AddToken(JoinToken.HashOf(secret), TimeSpan.FromHours(1).Ticks / 10, 1)).Accepted);
        await AskAsync(null, Question(9, "n2", secret));
        Assert.Equal(ProcedureKind.ReplaceIncarnation, directory.View.RunningAbout(new NodeId(9))!.Kind);
    }

    [Fact]
    public async Task S4_a_wiped_node_comes_back_with_the_certificate_that_names_it_and_with_no_other()
    {
        using var authority = CertificateAuthority.Create(new ClusterId(0xC1), DateTimeOffset.UtcNow);
        using var key = NodeKey.Create();
        using var ours = key.Own(authority.Issue(key.SigningRequest("n1"), "n1", [], DateTimeOffset.UtcNow)!);
        using var theirs = key.Own(authority.Issue(key.SigningRequest("n2"), "n2", [], DateTimeOffset.UtcNow)!);
        using var root = X509CertificateLoader.LoadCertificate(authority.Certificate);
        var signing = new JoinSigning(null!, new PeerTls(ours, root), seat, () => directory.View);
        await Assert.ThrowsAsync<ControlRefusedException>(() => AskAsync(signing, Question(9, "n3") with { Certificate = theirs }));
        await AskAsync(signing, Question(9, "n2") with { Certificate = theirs });
        Assert.Equal(new NodeId(2), directory.View.RunningAbout(new NodeId(9))!.Replaces);
    }

    private async Task AskAsync(JoinSigning? signing, ControlRequest request)
    {
        var desk = new JoinDesk(seat, signing, () => directory.View, () => Cast.GenesisOf(1, 2, 3), command => Task.FromResult(directory.Tell(command)));
        Assert.NotNull(ClusterVerbs.DecodeJoined((await desk.OnJoin(request, TestContext.Current.CancellationToken)).Span));
    }

    private static ControlRequest Question(ulong node, string name, byte[]? secret = null) =>
        new(ClusterVerbs.Join, ClusterVerbs.Encode(new JoinQuestion(Cast.Node(node, name), secret ?? [], [])), new NodeId(node), ClusterId.None, 1, true, "here");
}
