using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport.Tests;

public sealed class TlsTests
{
    [Fact]
    public async Task Frames_flow_both_ways_under_mutual_tls()
    {
        var authority = TestAuthority.Create("cluster");
        using var one = new TestNode(1, tls: authority.Issue("n1"));
        using var two = new TestNode(2, tls: authority.Issue("n2"));
        var big = RandomNumberGenerator.GetBytes(5_000_000);
        two.Frames = (from, frame) => two.Mesh.TrySend(from, frame);
        one.Frames = (_, frame) => one.Happened.Add(frame.AsSpan().SequenceEqual(big) ? "echo" : "damage");
        TestNode.Introduce(one, two);
        await one.Happened.Until("up 2");
        await two.Happened.Until("up 1");
        for (var i = 0; i < 5; i++) Assert.True(await one.Send(two, big));
        await one.Happened.Until("echo", count: 5);
        Assert.Equal(0, one.Happened.Count("damage"));
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_refused_by_the_one_who_accepts()
    {
        var ours = TestAuthority.Create("ours");
        var theirs = TestAuthority.Create("theirs");

        // The intruder trusts both, so that only the accepting side can refuse.
        using var intruder = new TestNode(1, tls: theirs.Issue("n1", trusted: [ours.Certificate, theirs.Certificate]));
        using var node = new TestNode(2, tls: ours.Issue("n2"));
        TestNode.Introduce(intruder, node);
        await node.Happened.Until("log peer connection from");
        Assert.Equal(0, node.Happened.Count("up 1"));
        Assert.Equal(0, intruder.Happened.Count("up 2"));
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_refused_by_the_one_who_dials()
    {
        var ours = TestAuthority.Create("ours");
        var theirs = TestAuthority.Create("theirs");
        using var node = new TestNode(1, tls: ours.Issue("n1"));
        using var intruder = new TestNode(2, tls: theirs.Issue("n2", trusted: [ours.Certificate, theirs.Certificate]));
        TestNode.Introduce(node, intruder);
        await node.Happened.Until("log mesh 0 cannot reach n2 (2)");
        Assert.Equal(0, node.Happened.Count("up 2"));
        Assert.Equal(0, intruder.Happened.Count("up 1"));
    }

    [Fact]
    public void A_dialler_in_the_clear_gets_nothing_from_a_node_with_tls()
    {
        using var node = new TestNode(9, tls: TestAuthority.Create("cluster").Issue("n9"));
        using var plain = new RawPeer(node.Listener.Endpoint);
        var bytes = new byte[PeerPreamble.Size];
        RawPeer.PreambleTo(node, 5).Write(bytes);
        plain.Send(bytes);
        plain.AwaitClosed();
        Assert.Equal(0, node.Happened.Count("up 5"));
    }

    /// <summary>An operator's own authority, with another between it and each node: the two nodes know only the upper one, and follow what the other shows.</summary>
    [Fact]
    public async Task Certificates_that_chain_through_different_authorities_below_one_are_believed()
    {
        var root = TestAuthority.Create("root");
        var (left, right) = (root.Below("left"), root.Below("right"));
        using var one = new TestNode(1, tls: Chained(left, "n1", root, left));
        using var two = new TestNode(2, tls: Chained(right, "n2", root, right));
        TestNode.Introduce(one, two);
        await one.Happened.Until("up 2");
        await two.Happened.Until("up 1");

        // Without what stands between, nobody can follow it.
        Assert.False(PeerTls.IsSigned(left.IssueCertificate("n1"), root.Certificate));
        using var bare = new TestNode(3, tls: Chained(left, "n3", root));
        TestNode.Introduce(bare, two);
        await two.Happened.Until("log mesh 0 cannot reach n3 (3)");
        Assert.Equal(0, two.Happened.Count("up 3"));
    }

    [Fact]
    public async Task Of_an_authority_that_signs_for_others_too_only_the_named_are_peers()
    {
        var authority = TestAuthority.Create("company");
        var names = new PeerNames(["n1", "n2"], []);
        using var two = new TestNode(2, tls: Named(authority, "n1", names));
        using var three = new TestNode(3, tls: Named(authority, "n2", names));
        TestNode.Introduce(two, three);
        await three.Happened.Until("up 2");

        // One that they would have to accept, and one that they would have to dial.
        using var caller = new TestNode(1, tls: authority.Issue("printer"));
        using var called = new TestNode(9, tls: authority.Issue("printer"));
        TestNode.Introduce(caller, two);
        TestNode.Introduce(called, two);
        await two.Happened.Until("log peer connection from");
        await two.Happened.Until("log mesh 0 cannot reach n9 (9)");
        Assert.Equal(0, two.Happened.Count("up 1") + two.Happened.Count("up 9") + caller.Happened.Count("up 2") + called.Happened.Count("up 2"));
    }

    [Fact]
    public void Host_names_are_asked_of_the_alternative_names_alone()
    {
        var authority = TestAuthority.Create("company");
        using var certificate = authority.IssueCertificate("n1.example.org", "db.example.org", "*.peers.example.org");
        Assert.True(new PeerNames([], ["nobody", "db.example.org"]).Admits(certificate));
        Assert.True(new PeerNames([], ["n7.peers.example.org"]).Admits(certificate));
        Assert.False(new PeerNames([], ["n1.example.org"]).Admits(certificate));
        Assert.True(new PeerNames(["n1.example.org"], []).Admits(certificate));
        Assert.False(new PeerNames(["db.example.org"], []).Admits(certificate));
        Assert.True(PeerNames.All.Admits(certificate));
    }

    private static PeerTls Chained(TestAuthority authority, string name, TestAuthority root, params TestAuthority[] between)
    {
        var tls = PeerTls.Waiting();
        tls.Replace(authority.IssueCertificate(name), [root.Certificate], [.. between.Select(one => one.Certificate)]);
        return tls;
    }

    private static PeerTls Named(TestAuthority authority, string name, PeerNames names)
    {
        var tls = PeerTls.Waiting(names);
        tls.Replace(authority.IssueCertificate(name), authority.Certificate);
        return tls;
    }

    [Fact]
    public async Task Replaced_certificates_serve_the_next_connection()
    {
        var old = TestAuthority.Create("old");
        var young = TestAuthority.Create("young");
        var oneTls = old.Issue("n1", trusted: [old.Certificate, young.Certificate]);
        var twoTls = old.Issue("n2", trusted: [old.Certificate, young.Certificate]);
        var one = new TestNode(1, tls: oneTls);
        using var two = new TestNode(2, tls: twoTls);
        TestNode.Introduce(one, two);
        await two.Happened.Until("up 1");
        twoTls.Replace(young.IssueCertificate("n2"), young.Certificate);
        one.Dispose();
        await two.Happened.Until("down 1");
        using var again = new TestNode(1, tls: young.Issue("n1"), bootCount: 2);
        TestNode.Introduce(again, two);
        await two.Happened.Until("up 1", count: 2);
    }
}

/// <summary>A certificate authority of a test.</summary>
internal sealed class TestAuthority
{
    private TestAuthority(X509Certificate2 certificate) => Certificate = certificate;

    public X509Certificate2 Certificate { get; }

    public static TestAuthority Create(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name} authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return new TestAuthority(request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10)));
    }

    /// <summary>An authority that this one signed.</summary>
    public TestAuthority Below(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name} authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var signed = request.Create(Certificate, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9), RandomNumberGenerator.GetBytes(8));
        return new TestAuthority(signed.CopyWithPrivateKey(key));
    }

    public X509Certificate2 IssueCertificate(string name, params string[] hosts)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts) alternatives.AddDnsName(host);
        if (hosts.Length > 0) request.CertificateExtensions.Add(alternatives.Build());
        using var signed = request.Create(Certificate, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(5), RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }

    public PeerTls Issue(string name, X509Certificate2[]? trusted = null) => new(IssueCertificate(name), trusted ?? [Certificate]);
}
