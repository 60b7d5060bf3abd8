namespace Holdfast.Server.Demo;

/// <summary>A node of the demo: within the demo's own process, or a process of its own.</summary>
internal interface IDemoNode : IAsyncDisposable
{
    bool IsRunning { get; }

    /// <summary>The process to be killed from outside; null where that would kill the demo.</summary>
    int? ProcessId { get; }

    /// <summary>Starts it; the first time this waits for the other founders.</summary>
    Task StartAsync(CancellationToken cancel);

    /// <summary>Ends it as a crash would: nothing is handed over, nobody is told.</summary>
    Task KillAsync();
}

/// <summary>What a node of the demo is started with.</summary>
internal sealed record DemoSeat(string Name, string Folder, int PeerPort, int ClientPort, int VectorPort, IReadOnlyList<(string Name, int Port)> Founders)
{
    public string Data => Path.Combine(Folder, Name);

    /// <summary>What the node says of itself goes here, not between the shell's lines.</summary>
    public string Log => Path.Combine(Folder, Name + ".log");
}
