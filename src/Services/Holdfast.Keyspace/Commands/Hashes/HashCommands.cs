using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Hashes: setting, reading and counting fields.</summary>
internal sealed class HashCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        BigValues.Register(ValueKind.Hash, ValueEncoding.HashTable, (ref SpanReader reader, Keyspace owner) => TableValue.Read(new BigHash(owner), ref reader));
        table.Bind("hset", call => Set(call, repliesOk: false), "Sets fields of a hash");
        table.Bind("hmset", call => Set(call, repliesOk: true), "Sets fields of a hash; the old form of HSET");
        table.Bind("hsetnx", SetNx, "Sets a field of a hash if it is not there");
        table.Bind("hget", Get, "Returns the value of a field of a hash");
        table.Bind("hmget", MGet, "Returns the values of fields of a hash");
        table.Bind("hdel", Del, "Removes fields of a hash, and the hash with its last one");
        table.Bind("hlen", call => Count(call), "Counts the fields of a hash");
        table.Bind("hstrlen", StrLen, "Returns the length of a field's value");
        table.Bind("hexists", Exists, "Says whether a field is in a hash");
        table.Bind("hincrby", IncrBy, "Adds to the whole number in a field of a hash");
        table.Bind("hincrbyfloat", IncrByFloat, "Adds to the number in a field of a hash");
    }

    private static void Set(CommandCall call, bool repliesOk)
    {
        if (call.Count % 2 != 0)
        {
            call.WrongArity();
            return;
        }

        if (!call.TryLocateHash(1, out var place)) return;
        var edit = new HashEdit(call, place);
        edit.Expect(2, call.Count - 1);
        var added = 0;
        for (var i = 2; i < call.Count; i += 2)
            if (edit.Set(call[i], call[i + 1])) added++;
        edit.Save();
        call.Changed(call[1], KeyEvents.Hash, "hset"u8, (call.Count - 2) / 2);
        if (repliesOk) call.Reply.Ok();
        else call.Reply.Integer(added);
    }

    private static void SetNx(CommandCall call)
    {
        if (!call.TryLocateHash(1, out var place)) return;
        if (HashValue.TryGet(call, place, call[2], out _))
        {
            call.Reply.Integer(0);
            return;
        }

        var edit = new HashEdit(call, place);
        edit.Expect(2, 3);
        edit.Set(call[2], call[3]);
        edit.Save();
        call.Changed(call[1], KeyEvents.Hash, "hset"u8);
        call.Reply.Integer(1);
    }

    private static void Get(CommandCall call)
    {
        if (call.TryLocateHash(1, out var place)) ReplyValue(call, place, call[2]);
    }

    private static void MGet(CommandCall call)
    {
        if (!call.TryLocateHash(1, out var place)) return;
        call.Reply.Array(call.Count - 2);
        for (var i = 2; i < call.Count; i++) ReplyValue(call, place, call[i]);
    }

    private static void ReplyValue(CommandCall call, in KeyPlace place, ReadOnlySpan<byte> name)
    {
        if (HashValue.TryGet(call, place, name, out var field)) call.Reply.Bulk(field.Value);
        else call.Reply.Null();
    }

    private static void Del(CommandCall call)
    {
        if (!call.TryLocateHash(1, out var place)) return;
        if (!place.Exists)
        {
            call.Reply.Integer(0);
            return;
        }

        var edit = new HashEdit(call, place);
        var removed = 0;
        for (var i = 2; i < call.Count && edit.Count > 0; i++)
            if (edit.Remove(call[i])) removed++;
        call.Reply.Integer(removed);
        if (removed == 0) return;
        call.Changed(call[1], KeyEvents.Hash, "hdel"u8, removed);
        if (!edit.Save()) call.Notify(call[1], KeyEvents.Generic, "del"u8);
    }

    private static void Count(CommandCall call)
    {
        if (call.TryLocateHash(1, out var place)) call.Reply.Integer(HashValue.CountOf(call, place));
    }

    private static void StrLen(CommandCall call)
    {
        if (call.TryLocateHash(1, out var place)) call.Reply.Integer(HashValue.TryGet(call, place, call[2], out var field) ? field.Value.Length : 0);
    }

    private static void Exists(CommandCall call)
    {
        if (call.TryLocateHash(1, out var place)) call.Reply.Integer(HashValue.TryGet(call, place, call[2], out _) ? 1 : 0);
    }

    private static void IncrBy(CommandCall call)
    {
        if (!call.TryInteger(3, out var amount) || !call.TryLocateHash(1, out var place)) return;
        var edit = new HashEdit(call, place);
        long value = 0;
        if (edit.TryGet(call[2], out var field) && !RespNumber.TryParse(field.Value, out value))
        {
            call.Reply.Error("ERR hash value is not an integer"u8);
            return;
        }

        if ((amount < 0 && value < 0 && amount < long.MinValue - value) || (amount > 0 && value > 0 && amount > long.MaxValue - value))
        {
            call.Reply.Error("ERR increment or decrement would overflow"u8);
            return;
        }

        value += amount;
        Span<byte> text = stackalloc byte[24];
        edit.Set(call[2], text[..RespNumber.Format(value, text)], KeptDate(edit, call[2]));
        edit.Save();
        call.Changed(call[1], KeyEvents.Hash, "hincrby"u8);
        call.Reply.Integer(value);
    }

    private static void IncrByFloat(CommandCall call)
    {
        if (!ExtendedFloat.TryParse(call[3], out var amount))
        {
            call.Reply.Error(CommandErrors.NotAFloat);
            return;
        }

        if (amount.IsInfinite)
        {
            call.Reply.Error("ERR value is NaN or Infinity"u8);
            return;
        }

        if (!call.TryLocateHash(1, out var place)) return;
        var edit = new HashEdit(call, place);
        var value = ExtendedFloat.Zero;
        if (edit.TryGet(call[2], out var field) && !ExtendedFloat.TryParse(field.Value, out value))
        {
            call.Reply.Error("ERR hash value is not a float"u8);
            return;
        }

        if (!value.TryAdd(amount, out var sum))
        {
            call.Reply.Error("ERR increment would produce NaN or Infinity"u8);
            return;
        }

        var text = sum.ToBytes();
        edit.Set(call[2], text, KeptDate(edit, call[2]));
        edit.Save();
        call.Changed(call[1], KeyEvents.Hash, "hincrbyfloat"u8);
        call.Reply.Bulk(text);
    }

    private static long KeptDate(in HashEdit edit, ReadOnlySpan<byte> name) => edit.TryGet(name, out var field) ? field.Date : -1;
}
