using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>What all clients of a node share: the commands, the topology, the settings, the clients themselves. For the loop's thread; its owner tells it the time.</summary>
internal sealed class KeyspaceNode
{
    private Topology topology = Topology.Empty;

    public KeyspaceNode(CommandTable table, KeyspaceOptions options)
    {
        (Table, Options) = (table, options);
        Settings = new SettingTable(options);
        Call = new CommandCall(null, this);
        Notices = new KeyNotices(this);
        Scripts = new ScriptEngine(this);
        Functions = new FunctionCatalog(this);
        Users = new AclUsers(this);
        Shared.Changed = Users.CutOff;
        Tracking = new TrackingTable(this);
        Eviction = new Eviction(this);
        Meter = new CommandMeter(this);
        BusyCall = new CommandCall(null, this);
        Subscriptions = new Subscriptions(this);
        Latency = new LatencyMonitor(this);
        Forwards = new ForwardDesk(this);
        Durabilities = new PrefixDurability(this);
        ReadClock = () => Now;
    }

    public CommandTable Table { get; }

    public KeyspaceOptions Options { get; }

    /// <summary>For the simulator.</summary>
    public PlantedShardBug Bug { get; init; }

    /// <summary>Whether every member reads moves in which large values come in pieces (S5).</summary>
    public Func<bool> KnowsPieces { get; set; } = static () => true;

    /// <summary>CONFIG.</summary>
    public SettingTable Settings { get; init; }

    /// <summary>Where CONFIG REWRITE writes; null where nothing is kept (a node of a test).</summary>
    public ISettingFile? SettingFile { get; set; }

    /// <summary>The call that the node's own commands execute in.</summary>
    public CommandCall Call { get; }

    /// <summary>Keyspace notifications.</summary>
    public KeyNotices Notices { get; }

    /// <summary>The call of the node's own commands while a script is being executed.</summary>
    public CommandCall BusyCall { get; }

    /// <summary>What all nodes share beside keys.</summary>
    public SharedSettings Shared { get; } = new();

    /// <summary>Lua.</summary>
    public ScriptEngine Scripts { get; }

    /// <summary>Who may sign in, and do what.</summary>
    public AclUsers Users { get; }

    /// <summary>Who caches which keys.</summary>
    public TrackingTable Tracking { get; }

    /// <summary>What was refused lately.</summary>
    public AclLog AclLog { get; } = new();

    /// <summary>Draws bytes that nobody can guess (ACL GENPASS); the face gives the system's, tests have dice.</summary>
    public Func<int, byte[]>? SecretSource { get; set; }

    public byte[] DrawSecret(int bytes) => SecretSource is { } source ? source(bytes) : [.. Enumerable.Range(0, bytes).Select(_ => (byte)Dice.Next(256))];

    /// <summary>What is executed for clients elsewhere, and elsewhere for clients here.</summary>
    public ForwardDesk Forwards { get; }

    /// <summary>When replies may leave, by prefixes of keys.</summary>
    public PrefixDurability Durabilities { get; }

    /// <summary>What clients may leave unread.</summary>
    public OutputLimits OutputLimits { get; private set; } = OutputLimits.Default;

    /// <summary>Libraries of functions.</summary>
    public FunctionCatalog Functions { get; }

    /// <summary>The monotonic clock as it is now, and not as of this turn: for what takes long within a turn.</summary>
    public Func<Instant> ReadClock { get; set; }

    /// <summary>Listens to other clients while a script takes too long; null when nobody can.</summary>
    public Action? WhileBusy { get; set; }

    /// <summary>Says a sentence to the node's log; whether an operator should look.</summary>
    public Action<bool, string>? Say { get; set; }

    /// <summary>Has the node end (SHUTDOWN); null while that is not offered.</summary>
    public Action? Stop { get; set; }

    /// <summary>More memory is used than may be (maxmemory).</summary>
    public bool IsOutOfMemory => Eviction.IsOver;

    /// <summary>Makes room.</summary>
    public Eviction Eviction { get; }

    /// <summary>Takes the time of commands.</summary>
    public CommandMeter Meter { get; }

    /// <summary>What held this node up.</summary>
    public LatencyMonitor Latency { get; }

    /// <summary>Commands that took long.</summary>
    public SlowLog SlowLog { get; } = new();

    /// <summary>Whether commands have to wait (CLIENT PAUSE).</summary>
    public ClientPause Pause { get; } = new();

    /// <summary>Bytes that the shards here hold from the system.</summary>
    public long MemoryReserved => Topology.Seats.Sum(seat => seat?.Machine.Keyspace.Arena.BytesReserved ?? 0);

    /// <summary>The most that keys took when somebody asked.</summary>
    public long MemoryPeak
    {
        get => field = Math.Max(field, MemoryUsed);
    }
    /// <summary>Who has subscribed to what.</summary>
    public Subscriptions Subscriptions { get; }

    public NodeCounters Counters { get; } = new();

    /// <summary>How much of it there was a second, lately.</summary>
    public NodeRates Rates { get; } = new();

    /// <summary>The clients by their number.</summary>
    public SortedDictionary<long, ClientSession> Clients { get; } = [];

    /// <summary>For what is drawn on the leader only (RANDOMKEY, SPOP, eviction); what was drawn is logged.</summary>
    public SeededRandom Dice { get; init; } = new(1);

    /// <summary>Clients whose command waits for a leader.</summary>
    public List<ClientSession> Waiting { get; } = [];

    /// <summary>The timeouts of clients that wait for keys.</summary>
    public WaitClock Waits { get; } = new();

    /// <summary>Clients whose command goes on in another turn.</summary>
    public List<ClientSession> Resting { get; } = [];

    /// <summary>Does what takes longer than a turn; null where there is no cluster (tests of commands).</summary>
    public IClusterDesk? Desk { get; set; }

    /// <summary>What the transaction that is being gone through asks of the cluster; null outside of one.</summary>
    public WishesOfTransaction? Wishes { get; set; }

    /// <summary>Whether the cluster serves.</summary>
    public ClusterHealth ClusterHealth { get; } = new();

    /// <summary>How a node is, as far as this one is told; it decides nothing.</summary>
    public Func<NodeId, PeerHealth> Health { get; set; } = static _ => PeerHealth.Alive;

    /// <summary>How many nodes say that one is down.</summary>
    public Func<NodeId, int> FailureReports { get; set; } = static _ => 0;

    /// <summary>Messages of the gossip, out and in.</summary>
    public Func<(long Sent, long Received)> GossipMessages { get; set; } = static () => (0, 0);

    /// <summary>How often the name of the replication history was changed (DEBUG CHANGE-REPL-ID); nothing here follows it.</summary>
    public int ReplicationChanges { get; set; }

    /// <summary>Whether keys that have expired are looked for, and not only met (DEBUG SET-ACTIVE-EXPIRE).</summary>
    public bool ExpiresActively { get; set; } = true;

    /// <summary>Nothing is done but what clients ask for (DEBUG PAUSE-CRON).</summary>
    public bool IsCronPaused { get; set; }

    /// <summary>Scripts may call DEBUG, for tests of what they read (DEBUG SET-DISABLE-DENY-SCRIPTS).</summary>
    public bool ScriptsMayDebug { get; set; }

    /// <summary>Scratch for the places of keys.</summary>
    public List<int> Places { get; } = [];

    /// <summary>Calendar time in microseconds: for what a person reads, and for commands of the node. Nothing that is replicated sees it.</summary>
    public long WallMicros { get; set; }

    public long StartedMicros { get; init; }

    /// <summary>The monotonic clock, as of this turn.</summary>
    public Instant Now { get; set; }

    /// <summary>Who is where. Replaced by another thread.</summary>
    public Topology Topology
    {
        get => Volatile.Read(ref topology);
        set => Volatile.Write(ref topology, value);
    }

    /// <summary>Bytes that all shards here take, their keys and values.</summary>
    public long MemoryUsed
    {
        get
        {
            var bytes = 0L;
            foreach (var seat in Topology.Seats) bytes += seat?.Machine.Keyspace.Arena.BytesUsed ?? 0;
            return bytes;
        }
    }

    /// <summary>Settings have changed: those that others keep go there.</summary>
    public void OnSettings()
    {
        SlowLog.Keep(Settings.SlowEntriesMax);
        if (KeyNotices.TryParse(Settings.Find("notify-keyspace-events")!.Value, out var events)) Notices.Wanted = events;
        OutputLimits = OutputLimits.Parse(Settings.Find("client-output-buffer-limit")!.Value, OutputLimits) ?? OutputLimits;
    }

    public long NextClientId() => Counters.CountClient();
}

/// <summary>What INFO counts. For one thread.</summary>
internal sealed class NodeCounters
{
    /// <summary>The highest number of a client.</summary>
    public long ClientsEver { get; private set; }

    public long Connections { get; private set; }

    public long Commands { get; set; }

    public long ExpiredKeys { get; set; }

    /// <summary>Fields of hashes that expired.</summary>
    public long ExpiredFields { get; set; }

    public long EvictedKeys { get; set; }

    public long Hits { get; set; }

    public long Misses { get; set; }

    public long BytesIn { get; set; }

    public long BytesOut { get; set; }

    public long RejectedClients { get; set; }

    /// <summary>Clients that were cut off because they did not read.</summary>
    public long OutputDisconnections { get; set; }

    /// <summary>Commands that another node executed for a client of this one.</summary>
    public long Forwarded { get; set; }

    public long Errors { get; set; }

    /// <summary>Commands that were sent to another node.</summary>
    public long Redirects { get; set; }

    /// <summary>Errors by their first word.</summary>
    public SortedDictionary<string, long> ErrorCodes { get; } = new(StringComparer.Ordinal);

    /// <summary>A client has come: its number.</summary>
    public long CountClient()
    {
        Connections++;
        return ++ClientsEver;
    }

    /// <summary>What CONFIG RESETSTAT sets to zero.</summary>
    public void Reset()
    {
        Connections = Commands = ExpiredKeys = EvictedKeys = Hits = Misses = BytesIn = BytesOut = RejectedClients = OutputDisconnections = Forwarded = Errors = Redirects = 0;
        ErrorCodes.Clear();
    }
}

/// <summary>How another node seems to be.</summary>
internal enum PeerHealth : byte
{
    Alive = 0,

    /// <summary>This node does not hear from it: "fail?".</summary>
    Suspect = 1,

    /// <summary>Nobody has heard from it for a while: "fail".</summary>
    Failed = 2,
}
