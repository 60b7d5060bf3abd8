using Holdfast.Cluster;
using Holdfast.Primitives.Metrics;
using Holdfast.Replication;

namespace Holdfast.Server.Hosting;

/// <summary>A node's archive of its own groups, where the plan asks for one: started, alarmed about and measured.</summary>
internal sealed class BackupKeeping(NodeParts node, NodeAlarms alarms) : IAsyncDisposable
{
    private OffSiteCopy? offSite;

    /// <summary>The archive; null where none is kept.</summary>
    public NodeArchive? Archive { get; private set; }

    /// <summary>Begins to follow the groups into the backup directory.</summary>
    public void Start()
    {
        if (node.Plan.Backup is not { } wanted) return;
        var identity = node.Cluster.Identity;
        Archive = NodeArchive.Start(new NodeArchiveOptions
        {
            Directory = wanted.Directory,
            NodeName = node.Plan.Name,
            Cluster = identity.Cluster,
            AuthorityFingerprint = identity.AuthorityFingerprint,
            AuthorityCertificate = identity.AuthorityCertificate.AsMemory(),
            Runtime = node.Runtime,
            BaseEvery = wanted.Every,
            Keep = wanted.Keep,
            Key = wanted.Key,
            Say = sentence => node.Log.Say(NodeEvents.Backup, sentence),
            Warn = fault => Alarm(NodeEvents.BackupFailed, fault, "the backup goes on"),
        });
        if (wanted.OffSite is not { } away) return;
        offSite = OffSiteCopy.Start(new OffSiteOptions
        {
            Archive = Archive,
            Address = away.Address,
            Credentials = away.Credentials,
            Every = away.Every,
            Warn = fault => Alarm(NodeEvents.BackupOffSiteFailed, fault, "the copy of the backup goes on"),
        });
    }

    /// <summary>Adds what an alert about backups looks at.</summary>
    public void Register(MetricsRegistry metrics)
    {
        metrics.Gauge("holdfast_backup_covered_seconds", "Everything acknowledged before this moment is in this node's backup, in seconds since 1970; 0 where none is kept.", () => (Archive?.Status.CoveredMicros ?? 0) / 1e6);
        metrics.Gauge("holdfast_backup_base_seconds", "When the newest bases of this node's backup were complete, in seconds since 1970; 0 where none is kept.", () => (Archive?.Status.BaseMicros ?? 0) / 1e6);
        metrics.Gauge("holdfast_backup_off_site_seconds", "Everything acknowledged before this moment is in the copy of this node's backup off site, in seconds since 1970; 0 where none is kept.", () => (offSite?.CoveredMicros ?? 0) / 1e6);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (offSite is not null) await offSite.DisposeAsync();
        if (Archive is not null) await Archive.DisposeAsync();
    }

    /// <summary>The alarm has the event's name.</summary>
    private void Alarm(NodeEvent failed, string? sentence, string over)
    {
        alarms.Set(failed.Type, sentence);
        if (sentence is null) node.Log.Say(NodeEvents.Backup, over);
        else node.Log.Warn(failed, sentence);
    }
}
