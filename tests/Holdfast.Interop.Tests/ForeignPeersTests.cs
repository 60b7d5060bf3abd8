using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Server.Configuration;
using Holdfast.Server.Etcd;

namespace Holdfast.Interop.Tests;

/// <summary><c>holdfast etcd</c> over the certificates of an authority that is not ours: the files that an etcd of the same place has (decision 0037).</summary>
public sealed class ForeignPeersTests
{
    [Fact]
    public async Task Members_found_a_cluster_over_rsa_certificates_of_an_authority_below_another_and_a_stranger_stays_outside()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-foreign-").FullName;
        try
        {
            using var pki = new ForeignAuthority(folder);
            string[] Flags(int member, string name) => [.. pki.Issue($"peer{member}", name), "--peer-cert-allowed-cn", "etcd-peer,infra0", "--peer-client-cert-auth"];
            await using var cluster = new EtcdFlagCluster { PeerScheme = "https" };
            var initial = cluster.InitialCluster(3);
            await Task.WhenAll(Enumerable.Range(0, 3).Select(member => cluster.StartAsync(member, initial, "new", Flags(member, member == 0 ? "infra0" : "etcd-peer"))));
            await cluster.EtcdctlAsync(0, "put", "over", "tls");
            Assert.Equal("over\ntls\n", await cluster.EtcdctlAsync(2, "get", "over"));

            // Of the same authority, and named for something else.
            await AssertRefusedAsync(new Uri(cluster.Peer(0)), pki.Issue("printer", "printer"));
            await cluster.KillAsync(1);
            await cluster.StartAsync(1, initial, "existing", Flags(1, "etcd-peer"));
            Assert.Equal("over\ntls\n", await cluster.EtcdctlAsync(1, "get", "over"));

            // Nobody here can sign, so a node that joins later brings its certificate, and shows its token.
            await using var bench = new ServerBench();
            var late = bench.Add("late");
            late.Start("--join", new Uri(cluster.Peer(2)).Authority, "--token", await TokenAsync(cluster), "--tls", pki.Folder("late", "etcd-peer", bench.At("tls")));
            await late.UntilServesAsync();
            Assert.Equal("tls", await late.GetAsync("over"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void What_is_missing_or_does_not_go_together_is_said()
    {
        const string AllThree = "missing; nodes speak TLS with --peer-cert-file, --peer-key-file, --peer-trusted-ca-file, all three";
        Assert.Equal([$"--peer-key-file: {AllThree}", $"--peer-trusted-ca-file: {AllThree}"], Faults("--peer-cert-file", "c.pem"));
        Assert.Contains("names in certificates count only where --peer-trusted-ca-file", Assert.Single(Faults("--peer-cert-allowed-cn", "a")), StringComparison.Ordinal);
        string[] files = ["--peer-cert-file", "/a/peer.crt", "--peer-key-file", "/b/peer.key", "--peer-trusted-ca-file", "/c/ca.crt"];
        Assert.Contains("give one of the two", Assert.Single(Faults([.. files, "--peer-cert-allowed-cn", "a", "--peer-cert-allowed-hostname", "b"])), StringComparison.Ordinal);
        var plan = Draw([.. files, "--peer-cert-allowed-hostname", "a.example.org, b.example.org"], []);
        Assert.Equal(("/a", false), (plan!.PeerCertificates!.FullPath, plan.PeerCertificates.Signs));
        Assert.Equal(["a.example.org", "b.example.org"], plan.PeersBelieved.Hosts);
    }

    private static async Task<string> TokenAsync(EtcdFlagCluster cluster)
    {
        var token = "";
        await Patient.UntilAsync(async () => (token = (await ServerBench.RunAsync("token", "--endpoints", new Uri(cluster.Client(0)).Authority)).Output.Trim()).Length > 0, () => "no token is given");
        return token;
    }

    /// <summary>TLS 1.3: a client hears of the refusal of its certificate when it reads.</summary>
    private static async Task AssertRefusedAsync(Uri peer, string[] flags)
    {
        using var bare = X509Certificate2.CreateFromPemFile(flags[1], flags[3]);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(flags[1]);
        using var client = new TcpClient();
        await client.ConnectAsync(peer.Host, peer.Port);
        await using var stream = new SslStream(client.GetStream());
        var failure = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "holdfast-peer",
                ClientCertificateContext = SslStreamCertificateContext.Create(bare, chain, offline: true),
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
            });
            if (await stream.ReadAsync(new byte[64]) == 0) throw new IOException("closed");
        });
        Assert.True(failure is IOException or AuthenticationException, failure.ToString());
    }

    private static List<string> Faults(params string[] words)
    {
        var faults = new List<string>();
        Assert.Null(Draw(words, faults));
        return faults;
    }

    private static ServerPlan? Draw(string[] words, List<string> faults) => new EtcdPlan(EtcdArguments.Read(words, new Dictionary<string, string>(), faults), faults).Draw(logsAsJson: true);

    /// <summary>RSA all the way, files named as others name them: the root's certificate, and for each member a key (PKCS#1) and its certificate with the intermediate's after it.</summary>
    private sealed class ForeignAuthority : IDisposable
    {
        private readonly string folder;
        private readonly X509Certificate2 between;
        private readonly RSA betweenKey = RSA.Create(2048);

        public ForeignAuthority(string folder)
        {
            this.folder = folder;
            using var rootKey = RSA.Create(2048);
            using var root = Authority("company root", rootKey).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
            between = Authority("company peers", betweenKey).Create(root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(29), RandomNumberGenerator.GetBytes(8));
            File.WriteAllText(Path.Combine(folder, "ca.crt"), root.ExportCertificatePem());
        }

        /// <summary>Makes a member's files, anew if they are there; the flags that name them.</summary>
        public string[] Issue(string file, string name)
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest($"CN={name}, O=company", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
            using var signer = between.CopyWithPrivateKey(betweenKey);
            using var signed = request.Create(signer, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(20), RandomNumberGenerator.GetBytes(8));
            var (certificate, secret) = (Path.Combine(folder, $"{file}.crt"), Path.Combine(folder, $"{file}.key"));
            File.WriteAllText(certificate, $"{signed.ExportCertificatePem()}\n{between.ExportCertificatePem()}\n");
            File.WriteAllText(secret, key.ExportRSAPrivateKeyPem());
            return ["--peer-cert-file", certificate, "--peer-key-file", secret, "--peer-trusted-ca-file", Path.Combine(folder, "ca.crt")];
        }

        /// <summary>The same under the names that <c>holdfast server --tls</c> looks for.</summary>
        public string Folder(string file, string name, string target)
        {
            var flags = Issue(file, name);
            Directory.CreateDirectory(target);
            foreach (var (from, to) in ((string, string)[])[(flags[1], "node.pem"), (flags[3], "node.key"), (flags[5], "ca.pem")]) File.Copy(from, Path.Combine(target, to));
            return target;
        }

        public void Dispose()
        {
            between.Dispose();
            betweenKey.Dispose();
        }

        private static CertificateRequest Authority(string name, RSA key)
        {
            var request = new CertificateRequest($"CN={name}, O=company", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request;
        }
    }
}
