using System.Diagnostics;
using System.Globalization;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace LargeState;

/// <summary>How long a replica that executes at append is without its state when it must be rebuilt from snapshot and log (S20): one node, a large state, a tail of writes after its snapshot.</summary>
internal static class RebuildTime
{
    private const int BlocksPerFill = 64;
    private const int WriteBytes = 1024;
    private const int WritesAtOnce = 64;
    private static readonly GroupOptions Options = new() { SnapshotLogBytes = 1L << 40, ProposeTimeout = TimeSpan.FromMinutes(10), CommandBytesMax = AppendBlocks.TooManyBytes - 1 };

    public static async Task RunAsync(string folder, int port, int blockCount, int writes)
    {
        var node = LargeNode.Open("n1", port, folder);
        node.Runtime.Open();
        node.Listener.Start();
        var blocks = new Blocks();
        var group = await node.Runtime.CreateGroupAsync(new GroupId(1), new AppendBlocks(blocks), Configuration.OfVoters(node.Data.Node), Options);
        await UntilAsync(() => group.Status.IsServingLeader);
        for (var filled = 0; filled < blockCount; filled = Math.Min(filled + BlocksPerFill, blockCount)) await DoAsync(group, Blocks.Fill(Math.Min(filled + BlocksPerFill, blockCount)));
        group.TakeSnapshot();
        await UntilAsync(() => group.Status.Snapshot.Index > LogIndex.Zero);
        await WriteAsync(group, blockCount, writes);
        Say($"a state of {blockCount * (long)Block.Bytes >> 20} MiB in a snapshot, and {writes} writes of {WriteBytes} bytes after it");

        var expected = blocks.StateHash * 31 + Crc32C.Of(Blocks.Write(0, 0, new byte[WriteBytes]));
        var from = Stopwatch.GetTimestamp();
        var spoilt = await group.ProposeAsync(AppendBlocks.Spoil);
        var next = group.ProposeAsync(Blocks.Write(0, 0, new byte[WriteBytes])).AsTask();
        await UntilAsync(() => group.Status.IsRestored || next.IsCompleted);
        var there = Stopwatch.GetElapsedTime(from);
        await next;
        var writing = Stopwatch.GetElapsedTime(from);
        if (spoilt.Status != ProposalStatus.TooLarge || !(await next).IsApplied) throw new InvalidOperationException($"nothing was rebuilt: {spoilt.Status}, {(await next).Status}");
        Say($"rebuilt: the snapshot's state is there after {there.TotalSeconds:F2} s, the next write is acknowledged after {writing.TotalSeconds:F2} s (it waits for the log's tail, too)");
        if (blocks.StateHash != expected) throw new InvalidOperationException("the rebuilt state is another than the one before");
        await node.StopAsync();
    }

    private static async Task WriteAsync(ReplicatedGroup group, int blockCount, int writes)
    {
        var dice = new SeededRandom(1);
        for (var left = writes; left > 0; left -= WritesAtOnce)
            await Task.WhenAll(Enumerable.Range(0, Math.Min(left, WritesAtOnce)).Select(_ => DoAsync(group, Blocks.Write(dice.Next(0, blockCount), dice.Next(0, Block.Bytes - WriteBytes), new byte[WriteBytes]))));
    }

    private static async Task DoAsync(ReplicatedGroup group, byte[] command)
    {
        var outcome = await group.ProposeAsync(command);
        if (!outcome.IsApplied) throw new InvalidOperationException($"a command ended as {outcome.Status}");
    }

    private static async Task UntilAsync(Func<bool> isReached)
    {
        while (!isReached()) await Task.Delay(2);
    }

    private static void Say(FormattableString what) => Console.WriteLine(what.ToString(CultureInfo.InvariantCulture));
}
