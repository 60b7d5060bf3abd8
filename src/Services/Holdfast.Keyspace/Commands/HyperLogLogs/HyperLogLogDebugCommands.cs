using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>PFDEBUG and PFSELFTEST: a look inside HyperLogLogs.</summary>
internal sealed class HyperLogLogDebugCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("pfdebug", Debug, "Shows the inside of a HyperLogLog, or makes it dense");
        table.Bind("pfselftest", SelfTest, "Writes and reads every register of a HyperLogLog");
    }

    private static void Debug(CommandCall call)
    {
        var place = call.Locate(2);
        if (!place.Exists) call.Reply.Error("ERR The specified key does not exist"u8);
        else if (place.IsOtherThan(ValueKind.String)) call.Reply.Error(CommandErrors.WrongType);
        else if (!HyperLogLog.Is(place.Bytes)) call.Reply.Error("WRONGTYPE Key is not a valid HyperLogLog string value."u8);
        else if (call.Is(1, "ENCODING"u8)) call.Reply.Simple(place.Bytes[4] == HyperLogLog.Dense ? "dense"u8 : "sparse"u8);
        else if (call.Is(1, "DECODE"u8)) Decode(call, place.Bytes);
        else if (call.Is(1, "TODENSE"u8))
        {
            var wasSparse = place.Bytes[4] == HyperLogLog.Sparse;
            if (TryMakeDense(call, ref place)) call.Reply.Integer(wasSparse ? 1 : 0);
        }
        else if (call.Is(1, "GETREG"u8))
        {
            if (TryMakeDense(call, ref place)) ReplyRegisters(call, place.Bytes[HyperLogLog.HeadBytes..]);
        }
        else call.Reply.Error($"ERR Unknown PFDEBUG subcommand '{StreamArguments.Text(call[1])}'");
    }

    private static void ReplyRegisters(CommandCall call, ReadOnlySpan<byte> registers)
    {
        call.Reply.Array(HyperLogLog.Registers);
        for (var i = 0; i < HyperLogLog.Registers; i++) call.Reply.Integer(HyperLogLog.GetDense(registers, i));
    }

    private static bool TryMakeDense(CommandCall call, scoped ref KeyPlace place)
    {
        if (place.Bytes[4] == HyperLogLog.Dense) return true;
        if (HyperLogLog.ToDense(place.Bytes) is not { } dense)
        {
            call.Reply.Error("INVALIDOBJ Corrupted HLL object detected"u8);
            return false;
        }

        call.Keyspace.Set(ref place, ValueKind.String, ValueEncoding.Raw, dense, place.Expiry);
        call.CountChanges(1);
        return true;
    }

    /// <summary>Runs as Redis writes them: zeros short (z) and long (Z), values with how often (v).</summary>
    private static void Decode(CommandCall call, ReadOnlySpan<byte> bytes)
    {
        if (bytes[4] == HyperLogLog.Dense)
        {
            call.Reply.Error("ERR HLL encoding is not sparse"u8);
            return;
        }

        var text = new StringBuilder();
        for (var runs = bytes[HyperLogLog.HeadBytes..]; runs.Length > 0; runs = runs[(SparseRegisters.IsLongZeros(runs[0]) && runs.Length > 1 ? 2 : 1)..])
        {
            var length = SparseRegisters.LengthOf(runs);
            if (text.Length > 0) text.Append(' ');
            if (SparseRegisters.IsValue(runs[0])) text.Append(CultureInfo.InvariantCulture, $"v:{SparseRegisters.ValueOf(runs[0])},{length}");
            else text.Append(CultureInfo.InvariantCulture, $"{(SparseRegisters.IsLongZeros(runs[0]) ? 'Z' : 'z')}:{length}");
        }

        call.Reply.Bulk(text.ToString());
    }

    private static void SelfTest(CommandCall call)
    {
        const int Highest = 63;
        var registers = new byte[HyperLogLog.DenseBytes - HyperLogLog.HeadBytes];
        for (var i = 0; i < HyperLogLog.Registers; i++) HyperLogLog.SetDense(registers, i, (byte)(i % (Highest + 1)));
        for (var i = 0; i < HyperLogLog.Registers; i++)
        {
            if (HyperLogLog.GetDense(registers, i) == i % (Highest + 1)) continue;
            call.Reply.Error($"TESTFAILED Register {i} should be {i % (Highest + 1)} but is {HyperLogLog.GetDense(registers, i)}");
            return;
        }

        call.Reply.Ok();
    }
}
