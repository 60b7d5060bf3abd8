namespace Holdfast.Server.Configuration;

/// <summary>One thing that a user may set: <c>peer.listen</c> in YAML is <c>HOLDFAST__PEER__LISTEN</c> in the environment and <paramref name="Flag"/> on the command line.</summary>
/// <param name="Key">The key, with dots between its parts.</param>
/// <param name="Flag">The command line's name for it.</param>
/// <param name="Default">What holds when nobody says anything; empty for nothing.</param>
/// <param name="Meaning">One sentence for the help text.</param>
/// <param name="IsSwitch">True for what is on or off: its flag takes no value.</param>
internal sealed record Setting(string Key, string Flag, string Default, string Meaning, bool IsSwitch = false)
{
    /// <summary>The variable's name.</summary>
    public string Variable => "HOLDFAST__" + Key.Replace(".", "__", StringComparison.Ordinal).ToUpperInvariant();
}

/// <summary>Every setting of a server.</summary>
internal static class Settings
{
    public static readonly Setting Name = new("name", "--name", "n1", "This node's name: a label that survives a new disk.");
    public static readonly Setting Data = new("data", "--data", "./holdfast-data", "The data directory; created with mode 0700.");
    public static readonly Setting Etcd = new("etcd.listen", "--etcd", "127.0.0.1:2379", "Where etcd clients (gRPC and JSON) are served, host:port.");
    public static readonly Setting Quota = new("etcd.quota", "--quota", "2147483648", "Bytes that the etcd keyspace may take in memory; beyond it puts are refused until there is room again.");
    public static readonly Setting Compaction = new("etcd.compaction", "--compaction", "1h", "Old revisions of the etcd keyspace are forgotten after a time (10m, 1h), beyond a number (1000 revisions), or never (off).");
    public static readonly Setting EtcdCert = new("etcd.cert", "--etcd-cert", "", "TLS for etcd clients: our certificate and its chain, a PEM file; read again when it changes.");
    public static readonly Setting EtcdKey = new("etcd.key", "--etcd-key", "", "The certificate's private key, a PEM file.");
    public static readonly Setting EtcdClientCa = new("etcd.client_ca", "--etcd-client-ca", "", "Clients must show a certificate from this authority, a PEM file; its common name is the user.");
    public static readonly Setting AuthToken = new("auth.token", "--auth-token", "simple", "How users are recognised: simple, or jwt,sign-method=RS256,pub-key=FILE,priv-key=FILE,ttl=5m.");
    public static readonly Setting AuthTokenTtl = new("auth.token_ttl", "--auth-token-ttl", "300", "Seconds for which a simple token is valid without being used.");
    public static readonly Setting Vectors = new("vectors.listen", "--vectors", "", "Where Qdrant clients (REST) are served, host:port; without it the vector face is off here.");
    public static readonly Setting VectorsGrpc = new("vectors.grpc", "--vectors-grpc", "", "Where Qdrant clients (gRPC) are served, host:port; nowhere without it.");
    public static readonly Setting VectorsCert = new("vectors.cert", "--vectors-cert", "", "TLS for Qdrant clients: our certificate and its chain, a PEM file; read again when it changes.");
    public static readonly Setting VectorsKey = new("vectors.key", "--vectors-key", "", "That certificate's private key, a PEM file.");
    public static readonly Setting VectorsApiKey = new("vectors.api_key_file", "--vectors-api-key-file", "", "A file with the key that Qdrant clients show to do everything; tokens (JWT, HS256) are signed with it.");
    public static readonly Setting VectorsReadKey = new("vectors.read_key_file", "--vectors-read-key-file", "", "A file with the key that Qdrant clients show to read.");
    public static readonly Setting Dns = new("dns.listen", "--dns", "", "Where DNS questions about registered services (NAME.service.holdfast) are answered, UDP and TCP, host:port; nowhere without it.");
    public static readonly Setting DnsUser = new("dns.user", "--dns-user", "dns", "In whose name DNS reads the registry while users are on: that user needs to read /services/.");
    public static readonly Setting BackupDir = new("backup.dir", "--backup-dir", "", "Keep a backup of every group here: bases and the log since, in a folder of this node's own. On another disk than the data.");
    public static readonly Setting BackupEvery = new("backup.every", "--backup-every", "6h", "How long after a base the next one is taken; a restore reads a base and the log since.");
    public static readonly Setting BackupKeep = new("backup.keep", "--backup-keep", "168h", "Every moment of so long ago can be restored; what is older is deleted.");
    public static readonly Setting BackupKeyFile = new("backup.key_file", "--backup-key-file", "", "Encrypt the backup with the key in this file (holdfast backup key makes one); a restore needs it. Keep it elsewhere than the backups.");
    public static readonly Setting BackupOffSite = new("backup.off_site", "--backup-off-site", "", "Copy the backup to a bucket of an S3-compatible store, s3://BUCKET/PREFIX; the store, the region and the credentials are in the variables AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
    public static readonly Setting BackupOffSiteEvery = new("backup.off_site_every", "--backup-off-site-every", "1m", "How long after a round of copying off site the next one begins.");
    public static readonly Setting Roles = new("roles", "--roles", "", "The faces that this node carries, with commas between: coordination, keyspace, vectors, postgres; witness, to vote for data of the others without keeping it; or none, for consensus and storage alone. [default: coordination, and those that it serves]");
    public static readonly Setting Memory = new("budget.memory", "--memory", "", "Bytes that this node may take; the faces' budgets are held against it. [default: the machine's, or the container's]");
    public static readonly Setting Zone = new("zone", "--zone", "", "The failure domain that this node stands in: a rack, a data centre. Replicas are spread over zones.");
    public static readonly Setting Redis = new("redis.listen", "--redis", "", "Where Redis clients are served, host:port; without it the node serves none. With it on all nodes of a fresh cluster every slot is served.");
    public static readonly Setting RedisTls = new("redis.tls", "--redis-tls", "", "Where Redis clients are served under TLS, host:port; beside --redis, or alone.");
    public static readonly Setting RedisCert = new("redis.cert", "--redis-cert", "", "TLS for Redis clients: our certificate and its chain, a PEM file; read again when it changes.");
    public static readonly Setting RedisKey = new("redis.key", "--redis-key", "", "That certificate's private key, a PEM file.");
    public static readonly Setting RedisClientCa = new("redis.client_ca", "--redis-client-ca", "", "Redis clients under TLS must show a certificate from this authority, a PEM file.");
    public static readonly Setting RedisClientCerts = new("redis.client_certs", "--redis-client-certs", "required", "With --redis-client-ca: required, or optional (one that is shown must be the authority's).");
    public static readonly Setting RedisForward = new("redis.forward", "--redis-forward", "", "Where Redis clients that know nothing of clusters are served, host:port: this node answers for every key, forwarding to the nodes that have it.");
    public static readonly Setting RedisDebug = new("redis.debug", "--redis-debug-command", "no", "Who may use Redis's DEBUG: no (nobody), local (clients on this machine) or yes.");
    public static readonly Setting RedisDurability = new("redis.durability", "--redis-durability", "quorum", "When a write of a Redis client is acknowledged: quorum (on a quorum's disks) or async (executed by the leader, as Redis does).");
    public static readonly Setting RedisBootstrap = new("redis.bootstrap", "--redis-bootstrap", "auto", "How slots come to their first owners: auto (every slot of a fresh cluster is served) or manual (a node without --cluster and --join starts alone and empty, for redis-cli --cluster create, CLUSTER MEET and CLUSTER ADDSLOTS).");
    public static readonly Setting Peer = new("peer.listen", "--peer", "", "Where other nodes reach this one, host:port.");
    public static readonly Setting Cluster = new("cluster", "--cluster", "", "The founding members, n1=host:port,n2=host:port,...; the same on every node.");
    public static readonly Setting Join = new("join.address", "--join", "", "Join a running cluster through this member, host:port.");
    public static readonly Setting Token = new("join.token", "--token", "", "The join token that a member gave.");
    public static readonly Setting Tls = new("peer.tls", "--tls", "", "Mutual TLS between nodes: the folder with ca.pem, node.pem and node.key, made by holdfast cert. A joiner gets them with its token.");
    public static readonly Setting Insecure = new("insecure", "--insecure", "false", "Allow a non-loopback bind without TLS and authentication.", IsSwitch: true);
    public static readonly Setting Ephemeral = new("ephemeral", "--ephemeral", "false", "One node in memory, to try clients out: nothing survives the process.", IsSwitch: true);
    public static readonly Setting Otlp = new("trace.otlp", "--otlp", "", "Send traces by OTLP over HTTP to this collector, such as http://127.0.0.1:4318; nothing is sent without it.");
    public static readonly Setting OtlpShare = new("trace.share", "--otlp-share", "0.01", "The share of requests that is traced, 0 to 1; a caller that sends its own trace context decides for itself.");
    public static readonly Setting LogFormat = new("log.format", "--log-format", "auto", "text, json, or auto: text on a terminal, JSON otherwise.");

    /// <summary>All of them, in the order of the help text.</summary>
    public static readonly IReadOnlyList<Setting> All =
        [Name, Data, Etcd, EtcdCert, EtcdKey, EtcdClientCa, AuthToken, AuthTokenTtl, Quota, Compaction, Dns, DnsUser, Redis, RedisTls, RedisCert, RedisKey, RedisClientCa, RedisClientCerts, RedisForward, RedisDebug, RedisDurability, RedisBootstrap, Vectors, VectorsGrpc, VectorsCert, VectorsKey, VectorsApiKey, VectorsReadKey, BackupDir, BackupEvery, BackupKeep, BackupKeyFile, BackupOffSite, BackupOffSiteEvery, Roles, Memory, Zone, Peer, Cluster, Join, Token, Tls, Insecure, Ephemeral, Otlp, OtlpShare, LogFormat];
}
