namespace Holdfast.Keyspace;

/// <summary>The families of commands. A new one is written beside its like, and added here.</summary>
internal static class CommandFamilies
{
    public static IReadOnlyList<ICommandFamily> All =>
    [
        new StringCommands(), new CounterCommands(), new LcsCommand(), new BitmapCommands(), new BitfieldCommands(), new HyperLogLogCommands(), new HyperLogLogDebugCommands(),
        new ListCommands(), new ListMoves(), new UnblockCommand(),
        new StreamCommands(), new StreamReads(), new GroupCommands(), new ClaimCommands(), new StreamFacts(), new PubSubCommands(), new DumpCommands(), new ExportCommands(), new SortCommands(),
        new HashCommands(), new HashWalkCommands(), new HashExpiryCommands(), new SetCommands(), new SetDrawCommands(), new SetAlgebraCommands(),
        new SortedSetCommands(), new SortedSetRangeCommands(), new SortedSetPopCommands(), new SortedSetWaits(), new SortedSetAlgebraCommands(),
        new GeoCommands(), new GeoSearchCommands(),
        new KeyCommands(), new ExpiryCommands(), new KeyWalkCommands(), new ObjectCommands(),
        new TransactionCommands(), new ConnectionCommands(), new ClientCommands(),
        new ServerCommands(), new CommandCommands(), new ConfigCommands(), new InfoCommand(), new PersistenceCommands(),
        new ClusterCommands(), new ShardCommands(), new MoveCommands(), new ClusterChangeCommands(), new ClusterTellCommands(), new FenceCommands(), new HoldfastCommands(),
        new EvalCommands(), new ScriptCommands(), new FunctionCommands(), new FunctionDumpCommands(), new AclCommands(), new TrackingCommands(), new ClientControlCommands(), new SlowLogCommands(), new LatencyCommands(), new DebugCommands(), new MemoryCommands(),
    ];
}
