using System.Buffers;
using System.Collections.Concurrent;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// What beats say (S2): per lane, a request for support, asked only while the lane's loop and the log move; and the answer, a promise at an epoch. Frame:
/// version, kind (1 asks, 2 answers), number of lanes, then per lane its number, the asker's clock, the lease, and in an answer the epoch.
/// </summary>
public sealed class BeatBoard(IReadOnlyList<SupportTable> supports, Func<int, Instant, bool> isLaneFresh) : IBeatHandler
{
    private readonly ConcurrentDictionary<NodeId, Histogram> roundTrips = new();

    private const byte Version = 1;
    private const byte Asks = 1;
    private const byte Answers = 2;

    /// <summary>The promise that a beat asks for: six beats, so that five may be lost.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMilliseconds(300);

    private static readonly Mark LaneNotVouchedFor = new("replication: no beat for a lane that stands still");

    /// <summary>Beats and their answers between this node and a peer: how long there and back. From any thread.</summary>
    public Histogram RoundTripOf(NodeId peer) => roundTrips.GetOrAdd(peer, static _ => new Histogram(Histogram.Seconds));

    /// <inheritdoc/>
    public int WriteBeats(Instant now, NodeId to, IBufferWriter<byte> target)
    {
        var fresh = 0;
        for (var lane = 0; lane < supports.Count; lane++)
        {
            if (isLaneFresh(lane, now)) fresh |= 1 << lane;
            else LaneNotVouchedFor.Hit();
        }

        if (fresh == 0) return 0;
        var writer = new SpanWriter(target);
        writer.WriteByte(Version);
        writer.WriteByte(Asks);
        writer.WriteByte((byte)int.PopCount(fresh));
        for (var lane = 0; lane < supports.Count; lane++)
        {
            if ((fresh & (1 << lane)) == 0) continue;
            writer.WriteByte((byte)lane);
            writer.WriteUInt64((ulong)now.Ticks);
            writer.WriteUInt64((ulong)Lease.Ticks);
        }

        return 3 + 17 * int.PopCount(fresh);
    }

    /// <inheritdoc/>
    public void OnBeatFrame(Instant now, NodeId from, ReadOnlySpan<byte> frame, IBufferWriter<byte> reply)
    {
        var reader = new SpanReader(frame);
        var version = reader.ReadByte();
        var kind = reader.ReadByte();
        var count = reader.ReadByte();
        if (!reader.IsWhole || version != Version || count > supports.Count) return;
        if (kind == Asks) Answer(now, from, count, ref reader, reply);
        else if (kind == Answers) Note(now, from, count, ref reader);
    }

    private void Answer(Instant now, NodeId from, int count, ref SpanReader reader, IBufferWriter<byte> reply)
    {
        var check = reader;
        check.Take(count * 17);
        if (!check.IsWhole) return;
        var writer = new SpanWriter(reply);
        writer.WriteByte(Version);
        writer.WriteByte(Answers);
        writer.WriteByte((byte)count);
        for (var i = 0; i < count; i++)
        {
            var lane = reader.ReadByte();
            var beat = new SupportBeat(new Instant((long)reader.ReadUInt64()), new TimeSpan((long)reader.ReadUInt64()));
            var isSound = lane < supports.Count && beat.Lease > TimeSpan.Zero;
            var promise = isSound ? supports[lane].OnBeat(now, from, beat) : default;
            writer.WriteByte(isSound ? lane : byte.MaxValue);
            writer.WriteUInt64((ulong)promise.SentAt.Ticks);
            writer.WriteUInt64((ulong)promise.Lease.Ticks);
            writer.WriteUInt64(promise.Epoch.Value);
        }
    }

    private void Note(Instant now, NodeId from, int count, ref SpanReader reader)
    {
        for (var i = 0; i < count; i++)
        {
            var lane = reader.ReadByte();
            var promise = new SupportReply(new Instant((long)reader.ReadUInt64()), new TimeSpan((long)reader.ReadUInt64()), new SupportEpoch(reader.ReadUInt64()));
            // A promise answers a beat of ours, so it is no younger than now, and no longer than any may be (S3): whoever says otherwise is not believed.
            if (!reader.IsWhole || lane >= supports.Count || promise.SentAt > now || promise.Lease > RaftOptions.LeaseMax) continue;
            supports[lane].OnReply(from, promise);
            if (i == 0) RoundTripOf(from).Observe(now - promise.SentAt);
        }
    }
}
