using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

public sealed class CertificateTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    [Fact]
    public void An_issued_certificate_chains_to_the_authority_and_bears_the_names_the_cluster_gave()
    {
        using var authority = CertificateAuthority.Create(new ClusterId(7), Now);
        using var key = NodeKey.Create();
        using var own = key.Own(authority.Issue(key.SigningRequest("liar"), "n1", ["10.0.0.1", "n1.example"], Now)!);
        Assert.True(own.HasPrivateKey);
        Assert.Equal("CN=n1", own.Subject);
        Assert.True(own.MatchesHostname("10.0.0.1"));
        Assert.True(own.MatchesHostname("n1.example"));
        Assert.False(own.MatchesHostname("liar"));
        Assert.True(Chains(own, authority.Certificate));
        using var stranger = CertificateAuthority.Create(new ClusterId(7), Now);
        Assert.False(Chains(own, stranger.Certificate));
    }

    [Fact]
    public void A_request_that_is_not_signed_by_its_key_is_refused()
    {
        using var authority = CertificateAuthority.Create(new ClusterId(7), Now);
        using var key = NodeKey.Create();
        var request = key.SigningRequest("n1");
        request[^1] ^= 1;
        Assert.Null(authority.Issue(request, "n1", [], Now));
        Assert.Null(authority.Issue([1, 2, 3], "n1", [], Now));
        Assert.Null(authority.Issue([], "n1", [], Now));
        using var rsa = RSA.Create(2048);
        var other = new CertificateRequest("CN=n1", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest();
        Assert.Null(authority.Issue(other, "n1", [], Now));
    }

    [Fact]
    public void Renewal_is_due_after_two_thirds_of_ninety_days()
    {
        using var authority = CertificateAuthority.Create(new ClusterId(7), Now);
        using var key = NodeKey.Create();
        using var own = key.Own(authority.Issue(key.SigningRequest("n1"), "n1", [], Now)!);
        Assert.False(CertificateAuthority.IsRenewalDue(own, Now + TimeSpan.FromDays(59)));
        Assert.True(CertificateAuthority.IsRenewalDue(own, Now + TimeSpan.FromDays(61)));
    }

    [Fact]
    public void An_authority_and_a_key_survive_their_files()
    {
        using var authority = CertificateAuthority.Create(new ClusterId(7), Now);
        using var again = CertificateAuthority.FromPem(authority.CertificatePem(), authority.KeyPem());
        Assert.Equal(authority.Fingerprint, again.Fingerprint);
        using var key = NodeKey.Create();
        using var sameKey = NodeKey.FromPem(key.ToPem());
        using var own = sameKey.Own(again.Issue(key.SigningRequest("n1"), "n1", [], Now)!);
        Assert.True(Chains(own, authority.Certificate));
    }

    [Fact]
    public void A_token_survives_its_text_and_a_mistyped_one_is_refused()
    {
        var token = JoinToken.Create(new ClusterId(77), SHA256.HashData([1]));
        var text = token.ToString();
        Assert.StartsWith("hf1.", text, StringComparison.Ordinal);
        Assert.True(JoinToken.TryParse($" {text}\n", out var read, out _));
        Assert.Equal((token.Cluster, token.Hash), (read.Cluster, read.Hash));
        Assert.Equal(token.AuthorityFingerprint, read.AuthorityFingerprint);
        for (var i = 0; i < text.Length; i++)
            Assert.False(JoinToken.TryParse(text[..i] + (text[i] == 'a' ? 'b' : 'a') + text[(i + 1)..], out _, out var fault) && fault.Length == 0 && i < text.Length - 1);
        Assert.False(JoinToken.TryParse(text[..^1], out _, out _));
        Assert.True(JoinToken.Create(new ClusterId(1), default).AuthorityFingerprint.IsEmpty);
    }

    [Fact]
    public void The_directory_knows_a_token_by_its_hash_only()
    {
        var directory = Cast.Founded(1);
        var token = JoinToken.Create(directory.View.Cluster, default);
        directory.Tell(DirectoryCommand.AddToken(token.Hash, 1_000_000, 1));
        Assert.Equal(token.Hash, JoinToken.FindHash(directory.View, token.Secret));
        Assert.Null(JoinToken.FindHash(directory.View, [1, 2, 3]));
    }

    private static bool Chains(X509Certificate2 certificate, byte[] authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificate(authority));
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
