using Holdfast.Cluster;
using Holdfast.Server.Configuration;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>
/// The certificates between nodes while the process runs: read at start, and read again whenever a file was replaced, so that renewing needs no restart.
/// Files that cannot be used are said and the ones in use stay in use.
/// </summary>
internal sealed class NodeCertificates : IAsyncDisposable
{
    /// <summary>How often the files are looked at. The look is four calls for a file's status.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly NodeLog log;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task watching;

    private NodeCertificates(TlsFolder folder, PeerNames believed, NodeLog log)
    {
        (Folder, this.log) = (folder, log);
        Tls = PeerTls.Waiting(believed);
        if (folder.IsComplete) Use(folder.Load(), NodeEvents.Certificates);
        foreach (var warning in folder.TooOpen()) log.Warn(NodeEvents.GuardRail, warning);
        var seen = folder.Stamp();
        watching = Task.Run(() => WatchAsync(seen));
    }

    /// <summary>What connections use.</summary>
    public PeerTls Tls { get; }

    /// <summary>Where the files are.</summary>
    public TlsFolder Folder { get; }

    /// <summary>The plan's certificates; null when nodes speak in the clear. A joiner's are complete only once it has joined.</summary>
    /// <exception cref="TlsFolderException">They cannot be used.</exception>
    public static NodeCertificates? Open(ServerPlan plan, NodeLog log)
    {
        if (plan.PeerCertificates is not { } folder) return null;

        // Only a joiner with a token may begin without them, and they come into its data directory.
        if (!folder.IsComplete && plan.JoinToken.Length == 0) folder.Load();
        return new NodeCertificates(folder, plan.PeersBelieved, log);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await watching;
        stopping.Dispose();
    }

    private void Use(TlsMaterial material, NodeEvent happened)
    {
        Tls.Replace(material.Own, material.Authorities, material.Intermediates);
        Say(happened, material);
    }

    private void Say(NodeEvent happened, TlsMaterial material)
    {
        var now = DateTimeOffset.UtcNow;
        var sentence = $"{material.Own.Subject} holds until {material.Own.NotAfter.ToUniversalTime():u}; mutual TLS between nodes";
        if (CertificateAuthority.IsRenewalDue(material.Own, now)) log.Warn(happened, sentence + "; it has lived two thirds of its time: replace node.pem, the node takes it up without a restart");
        else log.Say(happened, sentence);
    }

    private async Task WatchAsync(string seen)
    {
        using var timer = new PeriodicTimer(Look);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
            {
                var stamp = Folder.Stamp();
                if (stamp == seen) continue;
                seen = stamp;
                Reload();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private void Reload()
    {
        if (!Folder.IsComplete) return;
        try
        {
            Use(Folder.Load(), NodeEvents.CertificatesReloaded);
        }
        catch (TlsFolderException unusable)
        {
            log.Warn(NodeEvents.CertificatesKept, $"the certificates in use stay in use: {unusable.Message}");
        }
    }
}
