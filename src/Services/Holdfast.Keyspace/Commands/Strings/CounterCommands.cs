using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Strings as numbers.</summary>
internal sealed class CounterCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("incr", call => Add(call, 1), "Adds one to the whole number in a key");
        table.Bind("decr", call => Add(call, -1), "Takes one from the whole number in a key");
        table.Bind("incrby", IncrBy, "Adds to the whole number in a key");
        table.Bind("decrby", DecrBy, "Takes from the whole number in a key");
        table.Bind("incrbyfloat", IncrByFloat, "Adds to the number in a key");
    }

    private static void IncrBy(CommandCall call)
    {
        if (call.TryInteger(2, out var amount)) Add(call, amount);
    }

    private static void DecrBy(CommandCall call)
    {
        if (!call.TryInteger(2, out var amount)) return;
        if (amount == long.MinValue) call.Reply.Error("ERR decrement would overflow"u8);
        else Add(call, -amount);
    }

    private static void Add(CommandCall call, long amount)
    {
        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        long value = 0;
        if (place.Exists && !RespNumber.TryParse(place.Bytes, out value))
        {
            call.Reply.Error(CommandErrors.NotAnInteger);
            return;
        }

        if ((amount < 0 && value < 0 && amount < long.MinValue - value) || (amount > 0 && value > 0 && amount > long.MaxValue - value))
        {
            call.Reply.Error("ERR increment or decrement would overflow"u8);
            return;
        }

        Span<byte> text = stackalloc byte[24];
        call.Keyspace.Set(ref place, ValueKind.String, ValueEncoding.Int, text[..RespNumber.Format(value + amount, text)], place.Expiry);
        call.Changed(place.Key, KeyEvents.String, "incrby"u8);
        call.Reply.Integer(value + amount);
    }

    private static void IncrByFloat(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        var value = ExtendedFloat.Zero;
        if ((place.Exists && !ExtendedFloat.TryParse(place.Bytes, out value)) || !ExtendedFloat.TryParse(call[2], out var amount))
        {
            call.Reply.Error(CommandErrors.NotAFloat);
            return;
        }

        if (!value.TryAdd(amount, out var sum))
        {
            call.Reply.Error("ERR increment would produce NaN or Infinity"u8);
            return;
        }

        var text = sum.ToBytes();
        call.Keyspace.Set(ref place, ValueKind.String, text.Length > 44 ? ValueEncoding.Raw : ValueEncoding.EmbeddedString, text, place.Expiry);
        call.Changed(place.Key, KeyEvents.String, "incrbyfloat"u8);
        call.Reply.Bulk(text);
    }
}
