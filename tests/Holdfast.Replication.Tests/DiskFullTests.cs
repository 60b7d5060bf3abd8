using System.Diagnostics;
using System.Net;
using System.Text;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Replication.Tests;

/// <summary>A node on a real file system of 24 MiB that fills up.</summary>
public sealed class DiskFullTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-full-").FullName;
    private bool isMounted;

    public ValueTask InitializeAsync()
    {
        isMounted = OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && Run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        if (isMounted) Run("umount", folder);
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_full_disk_ends_puts_clearly_loses_nothing_and_the_node_goes_on_when_there_is_space_again()
    {
        if (!isMounted) Assert.Skip("A tmpfs cannot be mounted here: that needs root on Linux.");
        var ballast = Path.Combine(folder, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[8 * 1024 * 1024]);

        var acknowledged = new List<string>();
        using (var node = new Node(folder, start: 1))
        {
            await node.OpenAsync();
            ProposeOutcome outcome;
            for (var i = 0; (outcome = await node.Put($"k{i}={new string('x', 20_000)}")).IsApplied; i++) acknowledged.Add($"k{i}");

            // The put that met the full disk may be on it: unknown. Those after it were not written.
            Assert.Equal(ProposalStatus.Unknown, outcome.Status);
            Assert.IsType<DiskFullException>((await node.Failed.WaitAsync(Patience)).InnerException);
            Assert.Contains("No space is left", (await node.Failed).Message, StringComparison.Ordinal);
            Assert.Equal(ProposalStatus.Stopped, (await node.Put("late=1")).Status);
        }

        Assert.NotEmpty(acknowledged);
        using (var stillFull = new Node(folder, start: 2)) Assert.Contains("No space is left", Assert.Throws<DiskFullException>(stillFull.Open).Message, StringComparison.Ordinal);

        File.Delete(ballast);
        using var back = new Node(folder, start: 3);
        await back.OpenAsync();
        Assert.True((await back.Put("after=1")).IsApplied);
        var lost = acknowledged.Except(back.Machine.Map.Keys).ToList();
        Assert.True(lost.Count == 0, $"of {acknowledged.Count} acknowledged puts are lost: {string.Join(' ', lost)}; {string.Join(' ', back.Findings)}");
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private sealed class Node : IDisposable
    {
        private readonly TaskCompletionSource<Exception> failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly PeerListener listener;
        private readonly NodeRuntime runtime;

        /// <param name="start">The how manieth start it is: numbers of proposals begin with it, and none may come twice.</param>
        public Node(string folder, uint start)
        {
            var self = new LocalNode(new NodeId(1), start, 1, TestCluster.Cluster);
            var addresses = new PeerAddresses();
            listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, 0), self, addresses, null, new TransportOptions(), (_, _) => { });
            runtime = new NodeRuntime(new NodeSetup
            {
                Self = self,
                Disk = new DirectoryDisk(folder),
                Addresses = addresses,
                Listener = listener,
                Wal = new WalOptions { Cluster = TestCluster.Cluster, SegmentBytes = 4 * 1024 * 1024 },
                OnFatal = fault => failed.TrySetResult(fault),
            });
        }

        public Task<Exception> Failed => failed.Task;

        public ToyMachine Machine { get; } = new();

        public ReplicatedGroup Group { get; private set; } = null!;

        public IReadOnlyList<string> Findings => runtime.Recovery!.Findings;

        public void Open() => runtime.Open();

        public async Task OpenAsync()
        {
            Open();
            listener.Start();
            Group = await runtime.CreateGroupAsync(new GroupId(1), Machine, Configuration.OfVoters(new NodeId(1)));
        }

        public async Task<ProposeOutcome> Put(string command) => await Group.ProposeAsync(Encoding.UTF8.GetBytes(command), new ProposeOptions { Timeout = Patience });

        public void Dispose()
        {
            runtime.Kill();
            listener.Dispose();
        }
    }
}
