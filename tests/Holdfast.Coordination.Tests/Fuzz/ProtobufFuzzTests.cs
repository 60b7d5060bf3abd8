using System.Buffers;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Grpc;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Tests.Endpoints;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests.Fuzz;

/// <summary>Protobuf and gRPC frames of every kind of damage: read or refused with a status, and never anything else.</summary>
public sealed class ProtobufFuzzTests
{
    private const int BytesMax = 1 << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_frames_and_messages_are_read_or_refused(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var (read, refused) = (0, 0);
        for (var round = 0; round < 20_000; round++)
        {
            var request = Any(dice);
            var bytes = request.ToByteArray();
            var body = dice.Chance(0.5) ? RawGrpc.Framed(DamagedBytes.Of(bytes, dice)) : DamagedBytes.Of(RawGrpc.Framed(bytes), dice);
            try
            {
                var buffer = new ReadOnlySequence<byte>(body);
                while (GrpcFrames.TryTake(ref buffer, BytesMax, out var message))
                {
                    // What is read can be written, and is the same then.
                    var parsed = request.Descriptor.Parser.ParseFrom(message.ToArray());
                    Assert.Equal(parsed, request.Descriptor.Parser.ParseFrom(parsed.ToByteArray()));
                    read++;
                }
            }
            catch (Exception known) when (known is CallException or InvalidProtocolBufferException)
            {
                refused++;
            }
        }

        Assert.True(read > 1000 && refused > 1000, $"{read} read, {refused} refused");
    }

    [Fact]
    public void A_frame_cut_anywhere_is_taken_when_it_is_whole_and_not_before()
    {
        var dice = new SeededRandom(3);
        for (var round = 0; round < 200; round++)
        {
            var (first, second) = (Any(dice).ToByteArray(), Any(dice).ToByteArray());
            byte[] body = [.. RawGrpc.Framed(first), .. RawGrpc.Framed(second)];
            for (var at = 1; at < body.Length; at++)
            {
                var arrived = new ReadOnlySequence<byte>(body, 0, at);
                Assert.Equal(at >= first.Length + 5, GrpcFrames.TryTake(ref arrived, BytesMax, out var early));
                if (early.Length > 0) Assert.Equal(first, early.ToArray());
                var all = DamagedBytes.Split(body, at);
                Assert.True(GrpcFrames.TryTake(ref all, BytesMax, out var one));
                Assert.Equal(first, one.ToArray());
                Assert.True(GrpcFrames.TryTake(ref all, BytesMax, out var other));
                Assert.Equal(second, other.ToArray());
                Assert.True(all.IsEmpty);
            }
        }
    }

    [Theory]
    [InlineData(4)]
    public async Task Whatever_a_call_carries_it_ends_with_a_status_and_the_next_one_is_served(ulong seed)
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        using var grpc = new RawGrpc(door.Url);
        var dice = new SeededRandom(seed);
        string[] paths = ["/etcdserverpb.KV/Put", "/etcdserverpb.KV/Range", "/etcdserverpb.KV/Txn", "/etcdserverpb.Lease/LeaseKeepAlive", "/v3lockpb.Lock/Unlock", "/etcdserverpb.KV/RangeStream"];
        var statuses = new HashSet<int>();
        for (var round = 0; round < 800; round++)
        {
            var path = paths[dice.Next(paths.Length)];
            var bytes = Any(dice).ToByteArray();
            statuses.Add((await grpc.CallAsync(path, dice.Chance(0.5) ? RawGrpc.Framed(DamagedBytes.Of(bytes, dice)) : DamagedBytes.Of(RawGrpc.Framed(bytes), dice))).Status);
        }

        Assert.Contains(0, statuses);
        Assert.Contains(13, statuses);
        Assert.Equal(0, (await grpc.CallAsync("/etcdserverpb.KV/Put", RawGrpc.Framed(new PutRequest { Key = Local.B("a") }.ToByteArray()))).Status);
    }

    /// <summary>Watch streams whose requests are damaged, cut or of nonsense: each ends with a status, leaves no session behind, and a watcher beside them hears of every change, once.</summary>
    [Theory]
    [InlineData(5)]
    public async Task Whatever_a_watch_stream_carries_it_ends_with_a_status_and_other_watchers_miss_nothing(ulong seed)
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        using var grpc = new RawGrpc(door.Url);
        var dice = new SeededRandom(seed);
        using var beside = new Watch.WatchClient(door.Channel).Watch();
        await beside.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Local.B("watched") } });
        Assert.True(await beside.ResponseStream.MoveNext(CancellationToken.None));
        Assert.True(beside.ResponseStream.Current.Created);
        var (statuses, answered, changes) = (new HashSet<int>(), 0, 0);
        for (var round = 0; round < 600; round++)
        {
            byte[] whole = [.. Enumerable.Range(0, 1 + dice.Next(4)).SelectMany(_ => RawGrpc.Framed(AnyWatch(dice).ToByteArray()))];
            var (status, body) = await grpc.StreamAsync("/etcdserverpb.Watch/Watch", dice.Chance(0.2) ? whole : DamagedBytes.Of(whole, dice));
            statuses.Add(status);
            if (body.Length > 0) answered++;
            if (round % 20 != 0) continue;
            await new KV.KVClient(door.Channel).PutAsync(new PutRequest { Key = Local.B("watched"), Value = Local.B($"{changes++}") });
        }

        for (var heard = 0; heard < changes;)
        {
            Assert.True(await beside.ResponseStream.MoveNext(CancellationToken.None));
            foreach (var change in beside.ResponseStream.Current.Events) Assert.Equal($"{heard++}", change.Kv.Value.ToStringUtf8());
        }

        Assert.Contains(13, statuses);
        Assert.True(answered > 100, $"only {answered} streams were answered anything before they ended");
    }

    /// <summary>The same bytes to Debian's etcd and to us: the same status, and where it is a success the same answer.</summary>
    [Fact]
    public async Task Etcd_and_we_take_and_refuse_the_same_bytes()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        using var theirs = new RawGrpc(etcd.Url);
        using var ours = new RawGrpc(door.Url);
        var complaints = new List<string>();
        var count = 0;
        foreach (var (name, path, body) in Bodies())
        {
            count++;
            var (left, right) = (await theirs.CallAsync(path, body), await ours.CallAsync(path, body));
            if (left.Status != right.Status) complaints.Add($"{name}: etcd {left.Status} {left.Text}; we {right.Status} {right.Text}");
            else if (left.Status == 0 && path.EndsWith("Range", StringComparison.Ordinal)) SameRange(name, left.Answer, right.Answer, complaints);
        }

        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
        Assert.True(count > 160, $"only {count} bodies were tried");
    }

    /// <summary>etcd takes names that are no UTF-8, which proto3 forbids; we refuse them.</summary>
    [Fact]
    public async Task A_name_that_is_no_UTF8_is_refused()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        using var grpc = new RawGrpc(door.Url);
        var (status, text, _) = await grpc.CallAsync("/etcdserverpb.Auth/RoleAdd", RawGrpc.Framed([0x0a, 2, 0xff, 0xfe]));
        Assert.Equal((13, true), (status, text.StartsWith("grpc: error unmarshalling request: ", StringComparison.Ordinal)));
    }

    private static void SameRange(string name, byte[] left, byte[] right, List<string> complaints)
    {
        var (theirs, ours) = (RangeResponse.Parser.ParseFrom(left), RangeResponse.Parser.ParseFrom(right));
        (theirs.Header, ours.Header) = (null, null);
        if (!theirs.Equals(ours)) complaints.Add($"{name}: etcd {theirs}; we {ours}");
    }

    private static IEnumerable<(string Name, string Path, byte[] Body)> Bodies()
    {
        const string Put = "/etcdserverpb.KV/Put", Range = "/etcdserverpb.KV/Range", Txn = "/etcdserverpb.KV/Txn";
        var put = new PutRequest { Key = Local.B("a"), Value = Local.B("value"), PrevKv = true }.ToByteArray();
        var range = new RangeRequest { Key = Local.B("a"), RangeEnd = Local.B("z"), Limit = 5, SortOrder = RangeRequest.Types.SortOrder.Descend }.ToByteArray();
        var txn = new TxnRequest { Success = { Local.PutOp("a", "2"), Local.RangeOp("a", "z") }, Failure = { Local.DeleteOp("b") } }.ToByteArray();
        foreach (var (path, whole) in ((string, byte[])[])[(Put, put), (Range, range), (Txn, txn)])
        {
            // Cut at every byte: the frame tells the length of what is left, or of what was there.
            for (var at = 0; at <= whole.Length; at++)
            {
                yield return ($"{path} cut at {at}", path, RawGrpc.Framed(whole.AsSpan(0, at)));
                if (at < whole.Length) yield return ($"{path} cut at {at} in its frame", path, RawGrpc.Framed(whole.AsSpan(0, at), 0, (uint)whole.Length));
            }

            for (var at = 0; at < 5; at++) yield return ($"{path}: {at} bytes of a frame", path, RawGrpc.Framed(whole)[..at]);
            yield return ($"{path}: four gigabytes announced", path, RawGrpc.Framed(whole, 0, uint.MaxValue));
            yield return ($"{path}: three megabytes announced", path, RawGrpc.Framed(whole, 0, 3 << 20));
            yield return ($"{path}: compressed, it says", path, RawGrpc.Framed(whole, 1));
            yield return ($"{path}: an unknown flag", path, RawGrpc.Framed(whole, 7));

            // Unknown fields of every wire type: a varint, eight bytes, a length, four bytes; and what is none.
            yield return ($"{path}: an unknown varint", path, RawGrpc.Framed([.. whole, 0xa0, 0x3e, 0xff, 0x01]));
            yield return ($"{path}: an unknown fixed64", path, RawGrpc.Framed([.. whole, 0xa1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8]));
            yield return ($"{path}: an unknown string", path, RawGrpc.Framed([.. whole, 0xa2, 0x3e, 2, 9, 9]));
            yield return ($"{path}: an unknown fixed32", path, RawGrpc.Framed([.. whole, 0xa5, 0x3e, 1, 2, 3, 4]));
            yield return ($"{path}: an unknown string longer than all", path, RawGrpc.Framed([.. whole, 0xa2, 0x3e, 0xff, 0xff, 0xff, 0xff, 0x07]));
            yield return ($"{path}: an unknown string of a negative length", path, RawGrpc.Framed([.. whole, 0xa2, 0x3e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]));
            yield return ($"{path}: a varint without end", path, RawGrpc.Framed([.. whole, 0xa0, 0x3e, .. Enumerable.Repeat((byte)0xff, 11)]));
            yield return ($"{path}: a wire type that does not exist", path, RawGrpc.Framed([.. whole, 0xa6, 0x3e]));
            yield return ($"{path}: field number 0", path, RawGrpc.Framed([.. whole, 0x00, 0x01]));
            yield return ($"{path}: the end of a group that never began", path, RawGrpc.Framed([.. whole, 0xa4, 0x3e]));
        }

        // The last of two is taken, and numbers keep their 64 bits.
        yield return ("a key twice", Range, RawGrpc.Framed([.. new RangeRequest { Key = Local.B("zz") }.ToByteArray(), .. range]));
        yield return ("a limit of ten bytes", Range, RawGrpc.Framed([.. new RangeRequest { Key = Local.B("a"), Limit = -1 }.ToByteArray()]));
        yield return ("an enum that has no name", Txn, RawGrpc.Framed([.. new TxnRequest { Compare = { new Compare { Key = Local.B("a"), Result = (Compare.Types.CompareResult)77 } } }.ToByteArray()]));
        yield return ("129 operations", Txn, RawGrpc.Framed(Many(129).ToByteArray()));
        yield return ("128 operations", Txn, RawGrpc.Framed(Many(128).ToByteArray()));
        yield return ("a value above 1.5 MiB", Put, RawGrpc.Framed(new PutRequest { Key = Local.B("a"), Value = ByteString.CopyFrom(new byte[1536 * 1024]) }.ToByteArray()));
        yield return ("a message above what is read", Put, RawGrpc.Framed(new PutRequest { Key = Local.B("a"), Value = ByteString.CopyFrom(new byte[3 << 20]) }.ToByteArray()));
        yield return ("nothing at all", Put, []);
        yield return ("a method that does not exist", "/etcdserverpb.KV/Nope", RawGrpc.Framed([]));
        yield return ("a service that does not exist", "/etcdserverpb.Nope/Put", RawGrpc.Framed([]));
        for (var depth = 1; depth < 40; depth += 6) yield return ($"transactions {depth} deep", Txn, RawGrpc.Framed(Deep(depth).ToByteArray()));
    }

    private static TxnRequest Many(int operations)
    {
        var txn = new TxnRequest();
        for (var at = 0; at < operations; at++) txn.Success.Add(Local.PutOp($"k{at}", "1"));
        return txn;
    }

    private static TxnRequest Deep(int depth) =>
        depth == 0 ? new TxnRequest { Success = { Local.PutOp("deep", "1") } } : new TxnRequest { Success = { new RequestOp { RequestTxn = Deep(depth - 1) } } };

    private static WatchRequest AnyWatch(SeededRandom dice) => dice.Next(5) switch
    {
        0 => new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = dice.Next(5) - 1 } },
        1 => new WatchRequest { ProgressRequest = new WatchProgressRequest() },
        _ => new WatchRequest
        {
            CreateRequest = new WatchCreateRequest
            {
                Key = Local.B(dice.Chance(0.5) ? "watched" : $"k{dice.Next(9)}"), RangeEnd = Local.B(dice.Chance(0.3) ? "z" : ""), StartRevision = dice.Next(40) - 5, WatchId = dice.Chance(0.3) ? dice.Next(4) - 1 : 0,
                PrevKv = dice.Chance(0.3), Fragment = dice.Chance(0.3), ProgressNotify = dice.Chance(0.3), Filters = { dice.Chance(0.2) ? [(WatchCreateRequest.Types.FilterType)dice.Next(4)] : [] },
            },
        },
    };

    private static IMessage Any(SeededRandom dice) => dice.Next(4) switch
    {
        0 => RandomRequests.Put(dice),
        1 => RandomRequests.Range(dice, 50),
        2 => RandomRequests.Delete(dice),
        _ => RandomRequests.Txn(dice, 50),
    };
}
