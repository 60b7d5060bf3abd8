namespace Holdfast.Keyspace;

/// <summary>Counting different elements, about.</summary>
internal sealed class HyperLogLogCommands : ICommandFamily
{
    private const int SparseBytesMax = 3000;

    public void Bind(CommandTable table)
    {
        table.Bind("pfadd", Add, "Adds elements to a HyperLogLog");
        table.Bind("pfcount", Count, "Returns about how many different elements HyperLogLogs have");
        table.Bind("pfmerge", Merge, "Merges HyperLogLogs into one");
    }

    /// <summary>Looks a key up that is a HyperLogLog or is not there; otherwise the error is the reply.</summary>
    private static bool TryFind(CommandCall call, int argument, out KeyPlace place)
    {
        if (!call.TryLocate(argument, ValueKind.String, out place)) return false;
        if (!place.Exists || HyperLogLog.Is(place.Bytes)) return true;
        call.Reply.Error("WRONGTYPE Key is not a valid HyperLogLog string value."u8);
        return false;
    }

    private static void ReplyDamaged(CommandCall call) => call.Reply.Error("INVALIDOBJ Corrupted HLL object detected"u8);

    private static void Add(CommandCall call)
    {
        if (!TryFind(call, 1, out var place)) return;
        var sketch = new Sketch(place.Exists ? place.Bytes : HyperLogLog.Empty());
        var changes = place.Exists ? 0 : 1;
        for (var i = 2; i < call.Count; i++)
        {
            var (index, length) = HyperLogLog.PatternOf(call[i]);
            if (sketch.Raise(index, length)) changes++;
        }

        if (sketch.IsDamaged)
        {
            ReplyDamaged(call);
            return;
        }

        if (changes > 0)
        {
            HyperLogLog.ForgetCached(sketch.Bytes);
            call.Keyspace.Set(ref place, ValueKind.String, ValueEncoding.Raw, sketch.Bytes, place.Expiry);
            call.Changed(place.Key, KeyEvents.String, "pfadd"u8, changes);
        }

        call.Reply.Integer(changes > 0 ? 1 : 0);
    }

    private static void Count(CommandCall call)
    {
        Span<byte> registers = stackalloc byte[HyperLogLog.Registers];
        registers.Clear();
        if (call.Count > 2)
        {
            for (var i = 1; i < call.Count; i++)
            {
                if (!TryFind(call, i, out var source)) return;
                if (!source.Exists || HyperLogLog.TryMerge(source.Bytes, registers)) continue;
                ReplyDamaged(call);
                return;
            }

            call.Reply.Integer(HyperLogLog.Estimate(registers));
            return;
        }

        if (!TryFind(call, 1, out var place)) return;
        if (!place.Exists)
        {
            call.Reply.Integer(0);
            return;
        }

        if (!HyperLogLog.TryCached(place.Bytes, out var count))
        {
            if (!HyperLogLog.TryMerge(place.Bytes, registers))
            {
                ReplyDamaged(call);
                return;
            }

            // The count is kept within the value: a change, and an effect, as in Redis.
            count = HyperLogLog.Estimate(registers);
            if (call.Mode == CallMode.ReadOnly)
            {
                call.Reply.Integer(count);
                return;
            }

            HyperLogLog.Cache(call.Keyspace.Open(ref place, place.Bytes.Length, place.Encoding), count);
            call.CountChanges(1);
        }

        call.Reply.Integer(count);
    }

    private static void Merge(CommandCall call)
    {
        Span<byte> registers = stackalloc byte[HyperLogLog.Registers];
        registers.Clear();
        var isDense = false;
        for (var i = 1; i < call.Count; i++)
        {
            if (!TryFind(call, i, out var source)) return;
            if (!source.Exists) continue;
            isDense |= source.Bytes[4] == HyperLogLog.Dense;
            if (HyperLogLog.TryMerge(source.Bytes, registers)) continue;
            ReplyDamaged(call);
            return;
        }

        var place = call.Locate(1);
        var sketch = new Sketch(place.Exists ? place.Bytes : HyperLogLog.Empty());
        if (isDense) sketch.BecomeDense();
        for (var i = 0; i < registers.Length; i++)
            if (registers[i] > 0) sketch.Raise(i, registers[i]);
        HyperLogLog.ForgetCached(sketch.Bytes);
        call.Keyspace.Set(ref place, ValueKind.String, ValueEncoding.Raw, sketch.Bytes, place.Expiry);
        call.Changed(place.Key, KeyEvents.String, "pfadd"u8);
        call.Reply.Ok();
    }

    /// <summary>A copy that is being changed: sparse as long as it can be.</summary>
    private sealed class Sketch
    {
        private byte[] bytes;
        private int length;

        public Sketch(ReadOnlySpan<byte> from)
        {
            length = from.Length;
            bytes = new byte[from[4] == HyperLogLog.Sparse ? Math.Max(from.Length, SparseBytesMax) + 8 : from.Length];
            from.CopyTo(bytes);
        }

        public Span<byte> Bytes => bytes.AsSpan(0, length);

        public bool IsDamaged { get; private set; }

        public bool Raise(int index, byte value)
        {
            if (IsDamaged) return false;
            if (bytes[4] == HyperLogLog.Sparse)
            {
                if (value <= SparseRegisters.ValueMax)
                {
                    var end = length - HyperLogLog.HeadBytes;
                    var isSet = SparseRegisters.TrySet(bytes.AsSpan(HyperLogLog.HeadBytes), ref end, index, value, SparseBytesMax - HyperLogLog.HeadBytes);
                    length = end + HyperLogLog.HeadBytes;
                    if (isSet != false) return isSet == true;
                }

                BecomeDense();
                if (IsDamaged) return false;
            }

            return HyperLogLog.SetDense(bytes.AsSpan(HyperLogLog.HeadBytes), index, value);
        }

        public void BecomeDense()
        {
            if (bytes[4] == HyperLogLog.Dense || HyperLogLog.ToDense(Bytes) is not { } dense)
            {
                IsDamaged |= bytes[4] != HyperLogLog.Dense;
                return;
            }

            (bytes, length) = (dense, dense.Length);
        }
    }
}
