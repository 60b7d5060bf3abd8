using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>The entries of a split, as bytes: version, kind, fields. Each may be proposed twice, by any driver: what was done is not done again, and what rests on a seal that is gone is refused.</summary>
internal static class SplitCommand
{
    /// <summary>A target begins: it will have this part, and takes what is staged until it has adopted it.</summary>
    /// <param name="part">The part.</param>
    /// <param name="undoing">Of a target that adopted what was unsealed before it was released: that seal, so that it begins again. None otherwise.</param>
    public static byte[] Expect(HashPart part, LogIndex undoing) => Fields(ShardCommandKind.Expect, writer =>
    {
        ShardHold.WritePart(writer, part);
        writer.WriteUInt64(undoing.Value);
    });

    /// <summary>Points as the source has them.</summary>
    public static byte[] Stage(IReadOnlyList<PointWrite> points, Func<string, int> columnOf)
    {
        var command = ShardCommand.Upsert(points, columnOf);
        command[1] = (byte)ShardCommandKind.Stage;
        return command;
    }

    /// <summary>Points that the source has no more.</summary>
    public static byte[] Unstage(IReadOnlyList<PointId> ids)
    {
        var command = ShardCommand.Delete(ids);
        command[1] = (byte)ShardCommandKind.Unstage;
        return command;
    }

    /// <summary>From this entry on the source takes no writes of these ids.</summary>
    public static byte[] Seal(HashPart leaving) => Fields(ShardCommandKind.Seal, writer => ShardHold.WritePart(writer, leaving));

    /// <summary>The source takes all writes again.</summary>
    public static byte[] Unseal(LogIndex sealedAt) => Fields(ShardCommandKind.Unseal, writer => writer.WriteUInt64(sealedAt.Value));

    /// <summary>The target has all that was sealed; refused when it has not.</summary>
    /// <param name="sealedAt">The entry that sealed the source.</param>
    /// <param name="points">How many points the sealed half has.</param>
    /// <param name="hash">The sum of their hashes.</param>
    public static byte[] Adopt(LogIndex sealedAt, long points, ulong hash) => Fields(ShardCommandKind.Adopt, writer =>
    {
        writer.WriteUInt64(sealedAt.Value);
        writer.WriteUInt64((ulong)points);
        writer.WriteUInt64(hash);
    });

    /// <summary>The target, before it adopts, gets the locks that the source knows, with their tokens (S22): who was fenced off there is fenced off here.</summary>
    public static byte[] Fences(byte[] written) => Fields(ShardCommandKind.Fences, writer => writer.WriteBytes(written));

    /// <summary>The target adopts nothing any more; refused when it has adopted.</summary>
    public static byte[] Abandon() => Adopt(ShardHold.Abandoned, 0, 0);

    /// <summary>The source forgets what was sealed; refused when its settings are not those that the target has.</summary>
    /// <param name="sealedAt">The entry that sealed it.</param>
    /// <param name="settings">The hash of the target's configuration and indexes.</param>
    public static byte[] Release(LogIndex sealedAt, ulong settings) => Fields(ShardCommandKind.Release, writer =>
    {
        writer.WriteUInt64(sealedAt.Value);
        writer.WriteUInt64(settings);
    });

    private static byte[] Fields(ShardCommandKind kind, Action<SpanWriter> fill)
    {
        var buffer = new ByteBuffer(64);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(ShardCommand.Version);
        writer.WriteByte((byte)kind);
        fill(writer);
        return buffer.Written.ToArray();
    }
}
