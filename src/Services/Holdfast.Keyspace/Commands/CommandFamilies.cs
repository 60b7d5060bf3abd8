namespace Holdfast.Keyspace;

/// <summary>The families of commands. A new one is written beside its like, and added here.</summary>
internal static class CommandFamilies
{
    public static IReadOnlyList<ICommandFamily> All =>
    [
        new StringCommands(), new CounterCommands(), new LcsCommand(), new BitmapCommands(), new BitfieldCommands(), new HyperLogLogCommands(),
        new KeyCommands(), new ExpiryCommands(), new KeyWalkCommands(), new ObjectCommands(),
        new TransactionCommands(), new ConnectionCommands(), new ClientCommands(),
        new ServerCommands(), new CommandCommands(), new ConfigCommands(), new InfoCommand(),
        new ClusterCommands(), new ShardCommands(),
        new EvalCommands(), new ScriptCommands(), new FunctionCommands(), new AclCommands(), new TrackingCommands(), new ClientControlCommands(), new SlowLogCommands(), new MemoryCommands(),
    ];
}
