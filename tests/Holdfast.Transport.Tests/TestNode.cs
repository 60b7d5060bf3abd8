using System.Collections.Concurrent;
using System.Net;
using Holdfast.Primitives;

namespace Holdfast.Transport.Tests;

/// <summary>A node of a test: a listener, one mesh on one loop, and a body that records what happens and runs what the test asks for on the loop's thread.</summary>
internal sealed class TestNode : ILoopBody, IPeerHandler, IDisposable
{
    public static readonly ClusterId Cluster = new(0xC0FFEE);
    private readonly ConcurrentQueue<Action> work = new();
    private readonly EventLoop loop;
    private readonly List<string> lines = [];
    private readonly TaskCompletionSource<Exception> fatal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TestNode(ulong id, PeerTls? tls = null, TransportOptions? options = null, ClusterId? cluster = null, uint bootCount = 1, int port = 0, Action<TestNode, PeerListener>? serve = null)
    {
        Options = options ?? new TransportOptions();
        Self = new LocalNode(new NodeId(id), bootCount, 1, cluster ?? Cluster);
        Mesh = new PeerMesh(0, Self, Addresses, tls, Options, Log);
        loop = new EventLoop($"test-{id}", this, fault => fatal.TrySetResult(fault));
        Mesh.Attach(loop, this);
        Listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, port), Self, Addresses, tls, Options, Log, fault => fatal.TrySetResult(fault));
        Listener.Serve(Mesh);
        serve?.Invoke(this, Listener);
        loop.Start();
        Listener.Start();
    }

    public TransportOptions Options { get; }
    public LocalNode Self { get; }
    public PeerAddresses Addresses { get; } = new();
    public PeerMesh Mesh { get; }
    public PeerListener Listener { get; }
    public Events Happened { get; } = new();
    public Task<Exception> Fatal => fatal.Task;
    public PeerAddress Address => new(Self.Id, $"n{Self.Id}", "127.0.0.1", Listener.Endpoint.Port);

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (lines) return [.. lines];
        }
    }

    /// <summary>What to do with a frame, instead of recording it.</summary>
    public Action<NodeId, byte[]>? Frames { get; set; }

    public static void Introduce(params TestNode[] nodes)
    {
        foreach (var node in nodes)
            foreach (var other in nodes)
                node.Addresses.Set(other.Address);
    }

    public void Run(Action action)
    {
        work.Enqueue(action);
        loop.Wake();
    }

    public Task<T> Ask<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Run(() => answer.SetResult(question()));
        return answer.Task;
    }

    public Task<bool> Send(TestNode to, byte[] frame) => Ask(() => Mesh.TrySend(to.Self.Id, frame));

    public void Log(TransportSeverity severity, string message)
    {
        lock (lines) lines.Add(message);
        Happened.Add($"log {message}");
    }

    public Instant Turn(Instant now)
    {
        while (work.TryDequeue(out var action)) action();
        Mesh.Flush();
        return Instant.Never;
    }

    public void OnFrame(NodeId from, ReadOnlySpan<byte> frame)
    {
        if (Frames is not null) Frames(from, frame.ToArray());
        else Happened.Add($"frame {from} {System.Text.Encoding.UTF8.GetString(frame)}");
    }

    public void OnPeerUp(NodeId peer) => Happened.Add($"up {peer}");

    public void OnPeerDown(NodeId peer) => Happened.Add($"down {peer}");

    public void Dispose()
    {
        Listener.Dispose();
        loop.Dispose();
    }
}

/// <summary>What has happened so far, and a way to await that something does.</summary>
internal sealed class Events
{
    /// <summary>A test that waits longer has failed; on a busy machine things take their time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Lock gate = new();
    private readonly List<string> all = [];
    private TaskCompletionSource news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Add(string happening)
    {
        lock (gate)
        {
            all.Add(happening);
            news.SetResult();
            news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public int Count(string happening)
    {
        lock (gate) return all.Count(happening.Equals);
    }

    public async Task Until(string prefix, int count = 1)
    {
        while (true)
        {
            Task next;
            lock (gate)
            {
                if (all.Count(one => one.StartsWith(prefix, StringComparison.Ordinal)) >= count) return;
                next = news.Task;
            }

            try
            {
                await next.WaitAsync(Patience);
            }
            catch (TimeoutException)
            {
                lock (gate) throw new TimeoutException($"'{prefix}' did not happen {count} times; what did: {string.Join(" | ", all.TakeLast(20))}");
            }
        }
    }
}
