using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Coordination.Tests;

public sealed class SnapshotTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Snapshot_is_the_fold_of_the_log_though_writes_go_on(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var original = new CoordinationStateMachine();
        ulong index = 0;
        for (var step = 0; step < 3000; step++) Machine.Apply(original, ++index, 1, RandomCommands.Next(dice, original.Store.Revision));

        var hash = original.StateHash;
        var before = Image(original);
        var restored = new CoordinationStateMachine();
        using (var view = original.CaptureSnapshot())
        using (var builder = restored.BeginRestore())
        {
            var chunk = new ByteBuffer();
            while (view.WriteNext(chunk))
            {
                builder.ReadNext(chunk.Written);
                chunk.Clear();
                for (var step = 0; step < 50; step++) Machine.Apply(original, ++index, 1, RandomCommands.Next(dice, original.Store.Revision));
            }

            builder.Complete();
        }

        Assert.Equal(hash, restored.StateHash);
        Assert.Equal(before, Image(restored));

        // From here on both must go the same way.
        var replica = new CoordinationStateMachine();
        Copy(original, replica);
        for (var step = 0; step < 1000; step++)
        {
            var command = RandomCommands.Next(dice, original.Store.Revision);
            index++;
            var left = Machine.Apply(original, index, 2, command);
            var right = Machine.Apply(replica, index, 2, command);
            Assert.Equal(left.Error, right.Error);
            Assert.Equal(left.Message, right.Message);
        }

        Assert.Equal(original.StateHash, replica.StateHash);
        Assert.Equal(Image(original), Image(replica));
    }

    [Fact]
    public void Watch_survives_a_snapshot_that_replaces_the_store()
    {
        var source = new CoordinationStateMachine();
        var target = new CoordinationStateMachine();
        var group = new LocalCoordination(Local.Identity, target);
        var sink = new Sink();
        using var session = group.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a") });
        ulong index = 0;
        foreach (var value in new[] { "1", "2", "3" })
        {
            var command = Command.Encode(CommandKind.Put, new PutRequest { Key = Local.B("a"), Value = Local.B(value) });
            Machine.Apply(source, ++index, 1, command);
            if (value == "1") Machine.Apply(target, index, 1, command);
        }

        Copy(source, target);
        while (target.RunSlice())
        {
            // Catching up.
        }

        Machine.Apply(target, ++index, 1, Command.Encode(CommandKind.DeleteRange, new DeleteRangeRequest { Key = Local.B("a") }));
        Assert.Equal("2:a=1 3:a=2 4:a=3 5:a-", sink.Show(0));
    }

    [Fact]
    public void Malformed_commands_are_answered_and_change_nothing()
    {
        var machine = new CoordinationStateMachine();
        var hash = machine.StateHash;
        foreach (var command in new byte[][] { [], [0], [99], [(byte)CommandKind.Put, 0xff, 0xff], [(byte)CommandKind.LeaseExpire, 1] })
            Assert.NotNull(Machine.Apply(machine, 1, 1, command).Error);
        Assert.Equal(hash, machine.StateHash);
    }

    private static void Copy(CoordinationStateMachine from, CoordinationStateMachine to)
    {
        using var view = from.CaptureSnapshot();
        using var builder = to.BeginRestore();
        var chunk = new ByteBuffer();
        while (view.WriteNext(chunk))
        {
            builder.ReadNext(chunk.Written);
            chunk.Clear();
        }

        builder.Complete();
    }

    /// <summary>All that can be asked of a store: every readable revision, leases and their keys, the hash that members compare, and every change.</summary>
    internal static List<string> Image(CoordinationStateMachine machine)
    {
        var store = machine.Store;
        List<string> image = [$"{store.Revision} {store.Compacted}"];
        for (var revision = Math.Max(1, store.Compacted); revision <= store.Revision; revision += Math.Max(1, (store.Revision - store.Compacted) / 50))
        {
            var read = new RangeRead(new RangeRequest { Key = Local.B("\0"), RangeEnd = Local.B("\0"), Revision = revision });
            while (!read.Run(machine, default))
            {
                // The next slice.
            }

            image.Add(string.Join(' ', ((RangeResponse)read.Result.Message!).Kvs.Select(kv => kv.ToString())));
        }

        foreach (var (id, grant) in store.Leases.Granted)
            image.Add($"{id} {grant} {string.Join(' ', store.Leases.KeysOf(id).Select(record => Convert.ToHexString(record.Key)))}");
        for (var at = store.Log.PositionOf(store.Compacted); at < store.Log.End; at++)
        {
            var change = store.Log[at];
            image.Add($"{change.Mod}.{change.Sub} {Convert.ToHexString(change.Record.Key)}");
        }

        image.Add(new LocalCoordination(Local.Identity, machine).Face.HashKvAsync(new HashKVRequest()).AsTask().GetAwaiter().GetResult().Hash.ToString());
        return image;
    }
}
