using Holdfast.Server.Configuration;
using Holdfast.Server.Etcd;

namespace Holdfast.Interop.Tests;

/// <summary><c>holdfast etcd</c> over the certificates of an authority that is not ours: the files that an etcd of the same place has (decision 0037).</summary>
public sealed class ForeignPeersTests
{
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

    private static List<string> Faults(params string[] words)
    {
        var faults = new List<string>();
        Assert.Null(Draw(words, faults));
        return faults;
    }

    private static ServerPlan? Draw(string[] words, List<string> faults) => new EtcdPlan(EtcdArguments.Read(words, new Dictionary<string, string>(), faults), faults).Draw(logsAsJson: true);
}
