using System.Buffers;
using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Checks;

namespace Holdfast.Simulation.Cluster;

/// <summary>A command to the ledger: an operation on a register, the number of the client's wish, and bytes that only make it long.</summary>
internal readonly record struct LedgerCommand(OperationKind Kind, byte Key, bool IsSlow, ulong Value, ulong Expected, ulong Wish)
{
    public const int Size = 27;

    public byte[] Encode(int padding)
    {
        var bytes = new byte[Size + padding];
        (bytes[0], bytes[1], bytes[2]) = ((byte)Kind, Key, IsSlow ? (byte)1 : (byte)0);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(3), Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(11), Expected);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(19), Wish);
        for (var i = Size; i < bytes.Length; i++) bytes[i] = (byte)(i * 7 + (int)Wish);
        return bytes;
    }

    /// <summary>False when the bytes are not what <see cref="Encode"/> wrote, padding included.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out LedgerCommand command)
    {
        command = default;
        if (bytes.Length < Size) return false;
        command = new LedgerCommand(
            (OperationKind)bytes[0],
            bytes[1],
            bytes[2] != 0,
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[3..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[11..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[19..]));
        for (var i = Size; i < bytes.Length; i++)
            if (bytes[i] != (byte)(i * 7 + (int)command.Wish)) return false;
        return true;
    }
}

/// <summary>
/// The toy of the seams that the keyspace does not use: registers whose reply is the value before, in slices, under sessions, in chunks. It tells the check
/// which wish it executed at which index.
/// </summary>
internal class LedgerMachine(ClusterProcess process, GroupId group, LedgerCheck check) : IStateMachine
{
    private const int RegistersPerChunk = 3;
    private int slices;

    public SortedDictionary<byte, ulong> Registers { get; private set; } = [];

    public ulong StateHash { get; protected set; }

    protected SeededRandom Dice => process.Dice;

    protected ClusterWorld World => process.World;

    protected ClusterMutation Mutation => World.Options.Mutation;

    public virtual ApplyResult Apply(in CommittedEntry entry)
    {
        if (!LedgerCommand.TryDecode(entry.Command, out var command))
        {
            check.OnUnreadable(process.Node, entry.Position);
            return ApplyResult.Done();
        }

        if (command.IsSlow && ++slices % 3 != 0) return ApplyResult.Yield;
        var before = Run(command);
        // What the new version adds to the state, from the entry on at which the group's level was raised.
        // (Execution at append is not told of a level.)
        if (this is not IAppendExecutor && (Mutation == ClusterMutation.VersionDecidesInsteadOfLevel ? process.Machine.Version : entry.FeatureLevel) >= ClusterWorld.NewestVersion) StateHash = Chronicle.Mix(StateHash + 1);
        check.OnExecuted(process.Node, entry.Position, command.Wish);
        check.OnState(process.Node, entry.Position, StateHash);
        check.OnContent(process.Node, StateHash, Registers);
        return ApplyResult.Done(before);
    }

    public virtual ISnapshotView CaptureSnapshot() => new View(Mutation == ClusterMutation.ViewShowsLaterEntries ? () => [.. Registers] : Frozen([.. Registers]), StateHash);

    public virtual ISnapshotBuilder BeginRestore() => new Builder(this);

    /// <summary>Carries out a command and returns what the register held before.</summary>
    protected virtual ulong Run(in LedgerCommand command)
    {
        var before = Registers.GetValueOrDefault(command.Key);
        var after = command.Kind switch
        {
            OperationKind.Put => command.Value,
            OperationKind.Delete => 0UL,
            OperationKind.CompareAndSwap => before == command.Expected ? command.Value : before,
            _ => before,
        };
        Set(command.Key, after);
        StateHash = Chronicle.Mix(StateHash ^ command.Key ^ after << 8 ^ command.Wish << 24);
        if (Mutation == ClusterMutation.IterationOrderLeaks) StateHash ^= (byte)process.Node.Value * (ulong)(Registers.Count / 3);
        return before;
    }

    protected void Set(byte key, ulong value)
    {
        if (value == 0) Registers.Remove(key);
        else Registers[key] = value;
    }

    private static Func<KeyValuePair<byte, ulong>[]> Frozen(KeyValuePair<byte, ulong>[] registers) => () => registers;

    private sealed class View(Func<KeyValuePair<byte, ulong>[]> look, ulong hash) : ISnapshotView
    {
        private int next = -1;

        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            var registers = look();
            if (next < 0)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(chunk.GetSpan(8), hash);
                chunk.Advance(8);
                next = 0;
                return registers.Length > 0;
            }

            for (var count = 0; count < RegistersPerChunk && next < registers.Length; count++, next++)
            {
                var span = chunk.GetSpan(9);
                span[0] = registers[next].Key;
                BinaryPrimitives.WriteUInt64LittleEndian(span[1..], registers[next].Value);
                chunk.Advance(9);
            }

            return next < registers.Length;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Builder(LedgerMachine owner) : ISnapshotBuilder
    {
        private readonly SortedDictionary<byte, ulong> registers = [];
        private ulong hash;
        private bool hasHash;

        public void ReadNext(ReadOnlySpan<byte> chunk)
        {
            if (!hasHash)
            {
                hash = BinaryPrimitives.ReadUInt64LittleEndian(chunk);
                hasHash = true;
                return;
            }

            for (; chunk.Length >= 9; chunk = chunk[9..]) registers[chunk[0]] = BinaryPrimitives.ReadUInt64LittleEndian(chunk[1..]);
        }

        public void Complete() => owner.Replace(registers, hash);

        public void Dispose()
        {
        }
    }

    /// <summary>A restored state takes the place of the live one.</summary>
    protected void Replace(SortedDictionary<byte, ulong> registers, ulong hash)
    {
        (Registers, StateHash, slices) = (registers, hash, 0);
        OnRestored();
        // What is restored while a process begins was not installed by it.
        if (process.GroupOf(group) is { Replica.Restoring.IsReady: true }) World.Counts.SnapshotInstalls++;
    }

    protected virtual void OnRestored() => check.OnContent(process.Node, StateHash, Registers);
}

/// <summary>The ledger executed at append on the leader (S15 to S20): effects are logged, before-images undo what is truncated.</summary>
internal sealed class LedgerExecutor(ClusterProcess process, GroupId group, LedgerCheck check) : LedgerMachine(process, group, check), IAppendExecutor
{
    /// <summary>Most bytes of one command's effects.</summary>
    public const int EffectBytesMax = 32 * 1024;

    private static readonly Mark Undone = new("sim: executed commands were undone");

    private readonly List<(LogIndex Index, byte Key, ulong Before, ulong HashBefore)> unconfirmed = [];

    public ExecuteResult Execute(in AppendCommand command, IBufferWriter<byte> effects)
    {
        if (!LedgerCommand.TryDecode(command.Command, out var wish)) return new ExecuteResult(false, 0UL);
        var before = Registers.GetValueOrDefault(wish.Key);
        var isVoid = wish.Kind == OperationKind.Get || (wish.Kind == OperationKind.CompareAndSwap && before != wish.Expected);
        if (isVoid) return new ExecuteResult(false, before);
        unconfirmed.Add((command.Position.Index, wish.Key, before, StateHash));
        var effect = wish with { Kind = OperationKind.Put, Value = wish.Kind == OperationKind.Delete ? 0 : wish.Value };
        Run(effect);
        effects.Write(effect.Encode(HasLargerEffects(wish) ? EffectBytesMax : command.Command.Length - LedgerCommand.Size));
        return new ExecuteResult(true, before);
    }

    /// <summary>Whenever and wherever it is executed: it is refused after that, and taken back (S16).</summary>
    private bool HasLargerEffects(in LedgerCommand wish) => Chronicle.Mix(wish.Wish) % World.Options.WishesToLarger == 0;

    public bool OnTruncated(LogIndex from)
    {
        if (Mutation == ClusterMutation.TruncatedTailNotUndone) return true;
        if (Dice.Chance(0.3)) return false; // As if before-images were missing: the replica rebuilds (S20).
        for (var i = unconfirmed.Count - 1; i >= 0 && unconfirmed[i].Index >= from; i--)
        {
            Undone.Hit();
            Set(unconfirmed[i].Key, unconfirmed[i].Before);
            StateHash = unconfirmed[i].HashBefore;
            unconfirmed.RemoveAt(i);
        }

        return true;
    }

    protected override void OnRestored()
    {
        unconfirmed.Clear();
        base.OnRestored();
    }
}
