using Holdfast.Primitives.Metrics;

namespace Holdfast.Coordination;

/// <summary>This member's keyspace in numbers, noted on the loop ten times a second and read by the metrics page. Each number is whole; together they may be of two moments.</summary>
internal sealed class KeyspaceMeters
{
    private long sizeBytes;
    private long keys;
    private long versions;
    private long revision;
    private long compacted;
    private long watchers;
    private long slowWatchers;
    private long streams;
    private long leases;
    private long puts;
    private long deletions;

    /// <summary>Leases that ran out while this member led.</summary>
    public Counter LeasesExpired { get; } = new();

    /// <summary>Memory that the keyspace takes, about.</summary>
    public long SizeBytes => Volatile.Read(ref sizeBytes);

    /// <summary>On the group's loop.</summary>
    public void Note(CoordinationStateMachine machine)
    {
        var store = machine.Store;
        Volatile.Write(ref sizeBytes, store.SizeBytes);
        Volatile.Write(ref keys, store.Keys.Count);
        Volatile.Write(ref versions, store.Versions);
        Volatile.Write(ref revision, store.Revision);
        Volatile.Write(ref compacted, Math.Max(0, store.Compacted));
        Volatile.Write(ref watchers, machine.Watches.WatcherCount);
        Volatile.Write(ref slowWatchers, machine.Watches.LaggingCount);
        Volatile.Write(ref streams, machine.Watches.StreamCount);
        Volatile.Write(ref leases, store.Leases.Granted.Count);
        Volatile.Write(ref puts, store.PutCount);
        Volatile.Write(ref deletions, store.DeletionCount);
    }

    /// <summary>Names the numbers, under our names and under those that dashboards for etcd know.</summary>
    public void Register(MetricsRegistry metrics, long quotaBytes)
    {
        metrics.Gauge("holdfast_keyspace_bytes", "Memory that the keyspace takes, about; the quota bounds it.", () => Volatile.Read(ref sizeBytes));
        metrics.Gauge("holdfast_keyspace_quota_bytes", "The quota: at it puts are refused with NOSPACE.", () => quotaBytes);
        metrics.Gauge("holdfast_keyspace_keys", "Keys, deleted ones included until they are compacted.", () => Volatile.Read(ref keys));
        metrics.Gauge("holdfast_keyspace_versions", "Versions of keys that are kept.", () => Volatile.Read(ref versions));
        metrics.Gauge("holdfast_keyspace_revision", "The newest revision here.", () => Volatile.Read(ref revision));
        metrics.Gauge("holdfast_keyspace_compacted_revision", "Older revisions are gone.", () => Volatile.Read(ref compacted));
        metrics.Gauge("holdfast_watchers", "Watches open at this member.", () => Volatile.Read(ref watchers));
        metrics.Gauge("holdfast_watchers_slow", "Watches that are behind and read forward from the history.", () => Volatile.Read(ref slowWatchers));
        metrics.Gauge("holdfast_watch_streams", "Watch streams open at this member.", () => Volatile.Read(ref streams));
        metrics.Gauge("holdfast_leases", "Leases that are granted.", () => Volatile.Read(ref leases));
        metrics.SampledCounter("holdfast_leases_expired_total", "Leases, and with them sessions, that ran out while this member led.", () => LeasesExpired.Value);

        metrics.Gauge("etcd_mvcc_db_total_size_in_bytes", "etcd's name for holdfast_keyspace_bytes.", () => Volatile.Read(ref sizeBytes));
        metrics.Gauge("etcd_mvcc_db_total_size_in_use_in_bytes", "The same: there is nothing to defragment.", () => Volatile.Read(ref sizeBytes));
        metrics.Gauge("etcd_server_quota_backend_bytes", "etcd's name for holdfast_keyspace_quota_bytes.", () => quotaBytes);
        metrics.Gauge("etcd_debugging_mvcc_keys_total", "etcd's name for holdfast_keyspace_keys.", () => Volatile.Read(ref keys));
        metrics.Gauge("etcd_debugging_mvcc_current_revision", "etcd's name for holdfast_keyspace_revision.", () => Volatile.Read(ref revision));
        metrics.Gauge("etcd_debugging_mvcc_compact_revision", "etcd's name for holdfast_keyspace_compacted_revision.", () => Volatile.Read(ref compacted));
        metrics.Gauge("etcd_debugging_mvcc_watcher_total", "etcd's name for holdfast_watchers.", () => Volatile.Read(ref watchers));
        metrics.Gauge("etcd_debugging_mvcc_slow_watcher_total", "etcd's name for holdfast_watchers_slow.", () => Volatile.Read(ref slowWatchers));
        metrics.Gauge("etcd_debugging_mvcc_watch_stream_total", "etcd's name for holdfast_watch_streams.", () => Volatile.Read(ref streams));
        metrics.SampledCounter("etcd_mvcc_put_total", "Keys written here, each in a transaction too.", () => Volatile.Read(ref puts));
        metrics.SampledCounter("etcd_mvcc_delete_total", "Keys deleted here, with their leases too.", () => Volatile.Read(ref deletions));
        metrics.SampledCounter("etcd_debugging_server_lease_expired_total", "etcd's name for holdfast_leases_expired_total.", () => LeasesExpired.Value);
    }
}
