using System.Globalization;
using System.Text;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>
/// The fences of a shard (S22): part of its state. A command under a lock is executed unless the shard has seen a newer token of that lock, and makes its own known; so a holder that was paused writes nothing once the
/// next one has written here. Commands under no lock are not concerned. Not for two threads at once: the machine's gate.
/// </summary>
internal sealed class ShardFences
{
    /// <summary>Locks that a shard remembers; beyond it the one that was used longest ago is forgotten, and the floor rises (<see cref="FenceTable"/>).</summary>
    public const int LocksMax = 1024;

    /// <summary>Bytes of a lock's name in UTF-8.</summary>
    public const int NameBytesMax = 255;

    private static readonly Mark FencedOff = new("vectors: a command was refused because its holder's lock has a newer token", elsewhere: "ShardFenceTests: simulated clients hold no locks while they write points");

    private readonly FenceTable table;

    /// <summary>None yet.</summary>
    public ShardFences()
        : this(new FenceTable(LocksMax))
    {
    }

    private ShardFences(FenceTable table) => this.table = table;

    /// <summary>Their share of the state's hash; zero for none.</summary>
    public ulong Hash => table.Hash;

    /// <summary>A command under a fence: version, kind, lock, token, and the command.</summary>
    public static byte[] Around(ReadOnlySpan<byte> lockName, FencingToken token, ReadOnlySpan<byte> command)
    {
        var buffer = new ByteBuffer(command.Length + lockName.Length + 32);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(ShardCommand.Version);
        writer.WriteByte((byte)ShardCommandKind.Fenced);
        writer.WriteBlock(lockName);
        writer.WriteUInt64(token.Value);
        writer.WriteBytes(command);
        return buffer.Written.ToArray();
    }

    /// <summary>Whether a command is under a fence.</summary>
    public static bool IsUnder(ReadOnlySpan<byte> command) => command.Length > 1 && command[0] == ShardCommand.Version && command[1] == (byte)ShardCommandKind.Fenced;

    /// <summary>Why a command under a fence would be refused; null when nothing is known against it. Nothing is declared by asking.</summary>
    public string? Newer(ReadOnlySpan<byte> command)
    {
        var reader = new SpanReader(command[2..]);
        var name = reader.ReadBlock();
        var token = new FencingToken(reader.ReadUInt64());
        return reader.IsWhole && table.Check(name, token) is { IsAccepted: false } verdict ? Refusal(name, token, verdict) : null;
    }

    /// <summary>Reads past the fence of an entry, and asks it before the first slice.</summary>
    /// <returns>The kind of the command behind it, with the reader at its fields; null when the entry was refused.</returns>
    public ShardCommandKind? Pass(ref SpanReader reader, EntryWalk walk, PlantedShardBug bug)
    {
        var name = reader.ReadBlock();
        var token = new FencingToken(reader.ReadUInt64());
        var (version, kind) = (reader.ReadByte(), (ShardCommandKind)reader.ReadByte());
        if (!reader.IsWhole || version != ShardCommand.Version || kind is < ShardCommandKind.Configure or > ShardCommandKind.UpsertWhere)
        {
            walk.Refuse("the command behind the fence cannot be executed");
            return null;
        }

        if (walk.IsPastFence) return kind;
        var verdict = table.Declare(name, token);
        if (!verdict.IsAccepted && bug != PlantedShardBug.FencesAreNotAsked)
        {
            FencedOff.Hit();
            walk.FenceOff(Refusal(name, token, verdict));
            return null;
        }

        walk.IsPastFence = true;
        return kind;
    }

    private static string Refusal(ReadOnlySpan<byte> name, FencingToken token, in FenceVerdict verdict) => string.Create(CultureInfo.InvariantCulture, $"lock '{Encoding.UTF8.GetString(name)}' has a newer token than {token}: {verdict.Highest}");

    /// <summary>Executes an entry that brings the source's fences to a target that expects them.</summary>
    public bool Take(ref SpanReader reader, EntryWalk walk, bool isExpecting)
    {
        if (!isExpecting) return walk.Refuse("the shard expects nothing");
        if (FenceTable.Read(ref reader, LocksMax) is not { } source) return walk.Refuse("the entry is not whole");
        table.RaiseFloor(source.Floor);
        foreach (var (name, token) in source.All) table.Declare(name, token);
        return walk.Done(1);
    }

    /// <summary>All of them as bytes; empty when there were never any.</summary>
    public byte[] Written()
    {
        if (table.Hash == 0 && table.Count == 0) return [];
        var buffer = new ByteBuffer(1024);
        table.Write(new SpanWriter(buffer));
        return buffer.Written.ToArray();
    }

    /// <summary>What was written; null when it is of another format, or not whole.</summary>
    public static ShardFences? Read(ref SpanReader reader) => FenceTable.Read(ref reader, LocksMax) is { } table ? new ShardFences(table) : null;
}
