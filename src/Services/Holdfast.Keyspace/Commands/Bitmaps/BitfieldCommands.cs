using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Strings as arrays of whole numbers of any width.</summary>
internal sealed class BitfieldCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("bitfield", call => Bitfield(call, isReadOnly: false), "Reads and changes whole numbers within a string");
        table.Bind("bitfield_ro", call => Bitfield(call, isReadOnly: true), "Reads whole numbers within a string");
    }

    private enum Overflow : byte
    {
        Wrap = 0,
        Saturate = 1,
        Fail = 2,
    }

    private enum Step : byte
    {
        Get = 0,
        Set = 1,
        Add = 2,
    }

    private readonly record struct Operation(Step Step, bool IsSigned, int Width, long Offset, long Value, Overflow Overflow);

    private static void Bitfield(CommandCall call, bool isReadOnly)
    {
        if (!TryParse(call, isReadOnly, out var operations)) return;
        var highest = -1L;
        foreach (var operation in operations)
            if (operation.Step != Step.Get) highest = Math.Max(highest, operation.Offset + operation.Width - 1);
        if (!call.TryLocate(1, ValueKind.String, out var place)) return;

        var hasGrown = highest >= 0 && highest >> 3 >= place.Bytes.Length;
        // Opened only if it changes: what an operation that fails has touched is no effect.
        if (hasGrown) BitmapCommands.Open(call, ref place, highest);
        call.Reply.Array(operations.Count);
        var changes = 0;
        foreach (var operation in operations)
        {
            if (operation.Step == Step.Get) call.Reply.Integer((long)Read(place.Bytes, operation));
            else if (Write(call, ref place, operation)) changes++;
        }

        // A string that grew and got no value is a change too: its replicas must have the same.
        if (changes > 0) call.Changed(place.Key, KeyEvents.String, "setbit"u8, changes);
        else if (hasGrown) call.CountChanges(1);
    }

    private static bool TryParse(CommandCall call, bool isReadOnly, out List<Operation> operations)
    {
        operations = [];
        var overflow = Overflow.Wrap;
        for (var at = 2; at < call.Count;)
        {
            if (call.Is(at, "OVERFLOW"u8) && at + 1 < call.Count)
            {
                if (call.Is(at + 1, "WRAP"u8)) overflow = Overflow.Wrap;
                else if (call.Is(at + 1, "SAT"u8)) overflow = Overflow.Saturate;
                else if (call.Is(at + 1, "FAIL"u8)) overflow = Overflow.Fail;
                else return Refuse(call, "ERR Invalid OVERFLOW type specified"u8);
                at += 2;
                continue;
            }

            var step = call.Is(at, "GET"u8) ? Step.Get : call.Is(at, "SET"u8) ? Step.Set : Step.Add;
            var length = step == Step.Get ? 3 : 4;
            if ((step == Step.Add && !call.Is(at, "INCRBY"u8)) || at + length > call.Count) return Refuse(call, CommandErrors.Syntax);
            if (!TryType(call, at + 1, out var isSigned, out var width) || !BitmapCommands.TryOffset(call, at + 2, out var offset, width)) return false;
            if (isReadOnly && step != Step.Get) return Refuse(call, "ERR BITFIELD_RO only supports the GET subcommand"u8);
            var value = 0L;
            if (step != Step.Get && !call.TryInteger(at + 3, out value)) return false;
            operations.Add(new Operation(step, isSigned, width, offset, value, overflow));
            at += length;
        }

        return true;
    }

    private static bool Refuse(CommandCall call, ReadOnlySpan<byte> error)
    {
        call.Reply.Error(error);
        return false;
    }

    private static bool TryType(CommandCall call, int argument, out bool isSigned, out int width)
    {
        var text = call[argument];
        isSigned = text.Length > 0 && text[0] == 'i';
        width = 0;
        if (text.Length > 1 && text[0] is (byte)'i' or (byte)'u' && RespNumber.TryParse(text[1..], out long number) && number >= 1 && number <= (isSigned ? 64 : 63))
        {
            width = (int)number;
            return true;
        }

        return Refuse(call, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."u8);
    }

    private static Int128 Read(ReadOnlySpan<byte> bytes, in Operation operation)
    {
        var value = 0UL;
        for (var i = 0; i < operation.Width; i++) value = (value << 1) | (BitRange.Get(bytes, operation.Offset + i) ? 1UL : 0);
        if (!operation.IsSigned || operation.Width == 64) return operation.IsSigned ? (long)value : value;
        return (value & (1UL << (operation.Width - 1))) != 0 ? (long)(value | (ulong.MaxValue << operation.Width)) : (long)value;
    }

    /// <summary>Changes a number and replies what the step replies; false when an overflow was to fail.</summary>
    private static bool Write(CommandCall call, ref KeyPlace place, in Operation operation)
    {
        var before = Read(place.Bytes, operation);
        var wanted = operation.Step == Step.Add ? before + operation.Value : operation.IsSigned ? operation.Value : (Int128)(ulong)operation.Value;
        var max = operation.IsSigned ? ((Int128)1 << (operation.Width - 1)) - 1 : ((Int128)1 << operation.Width) - 1;
        var min = operation.IsSigned ? -max - 1 : 0;
        var isOver = wanted > max || (operation is { Step: Step.Set, IsSigned: true, Width: < 64 } && unchecked((long)max - operation.Value) < 0); // As Redis reckons it, which takes the smallest numbers for too large.
        if (isOver || wanted < min)
        {
            if (operation.Overflow == Overflow.Fail)
            {
                call.Reply.Null();
                return false;
            }

            wanted = operation.Overflow == Overflow.Saturate ? (isOver ? max : min) : Wrap(wanted, operation);
        }

        var bytes = call.Keyspace.Open(ref place, place.Bytes.Length, ValueEncoding.Raw);
        for (var i = 0; i < operation.Width; i++) BitRange.Set(bytes, operation.Offset + i, ((wanted >> (operation.Width - 1 - i)) & 1) != 0);
        call.Reply.Integer((long)(operation.Step == Step.Add ? wanted : before));
        return true;
    }

    private static Int128 Wrap(Int128 value, in Operation operation)
    {
        var modulus = (Int128)1 << operation.Width;
        value &= modulus - 1;
        return operation.IsSigned && value >= modulus >> 1 ? value - modulus : value;
    }
}
