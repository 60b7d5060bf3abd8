namespace Holdfast.Keyspace;

/// <summary>Strings: setting, reading, and parts of them.</summary>
internal sealed class StringCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("get", Get, "Returns the string value of a key");
        table.Bind("set", Set, "Sets the string value of a key, on conditions and with a time to live if asked");
        table.Bind("setnx", SetNx, "Sets the string value of a key that is not there");
        table.Bind("setex", call => SetWithLife(call, ExpiryForm.Seconds), "Sets the string value of a key and its time to live in seconds");
        table.Bind("psetex", call => SetWithLife(call, ExpiryForm.Milliseconds), "Sets the string value of a key and its time to live in milliseconds");
        table.Bind("getset", GetSet, "Returns the value of a key and sets another");
        table.Bind("getdel", GetDel, "Returns the value of a key and deletes the key");
        table.Bind("getex", GetEx, "Returns the value of a key and changes its time to live");
        table.Bind("mget", MGet, "Returns the string values of keys");
        table.Bind("mset", MSet, "Sets the string values of keys");
        table.Bind("msetnx", MSetNx, "Sets the string values of keys if none of them is there");
        table.Bind("append", Append, "Appends to the string value of a key");
        table.Bind("strlen", StrLen, "Returns the length of a string value");
        table.Bind("getrange", GetRange, "Returns a part of a string value");
        table.Bind("substr", GetRange, "Returns a part of a string value; the old name of GETRANGE");
        table.Bind("setrange", SetRange, "Overwrites a part of a string value");
    }

    private static void Get(CommandCall call)
    {
        if (call.TryLocate(1, ValueKind.String, out var place)) call.ReplyValue(place);
    }

    private static void Set(CommandCall call)
    {
        if (!SetOptions.TryParse(call, out var options)) return;
        var place = call.Locate(1);
        if (options.Get)
        {
            if (place.IsOtherThan(ValueKind.String))
            {
                call.Reply.Error(CommandErrors.WrongType);
                return;
            }

            call.ReplyValue(place);
        }

        if ((options.IfAbsent && place.Exists) || (options.IfThere && !place.Exists))
        {
            if (!options.Get) call.Reply.Null();
            return;
        }

        call.Set(ref place, call[2], options.KeepsLife ? place.Expiry : options.Date);
        call.Changed(place.Key, KeyEvents.String, "set"u8);
        if (options.Date >= 0) call.Notify(place.Key, KeyEvents.Generic, "expire"u8);
        if (!options.Get) call.Reply.Ok();
    }

    private static void SetNx(CommandCall call)
    {
        var place = call.Locate(1);
        if (!place.Exists)
        {
            call.Set(ref place, call[2]);
            call.Changed(place.Key, KeyEvents.String, "set"u8);
            call.Reply.Integer(1);
        }
        else
        {
            call.Reply.Integer(0);
        }
    }

    private static void SetWithLife(CommandCall call, ExpiryForm form)
    {
        if (!ExpiryOption.TryDate(call, 2, form, out var date)) return;
        var place = call.Locate(1);
        call.Set(ref place, call[3], date);
        call.Changed(place.Key, KeyEvents.String, "set"u8);
        call.Notify(place.Key, KeyEvents.Generic, "expire"u8);
        call.Reply.Ok();
    }

    private static void GetSet(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        call.ReplyValue(place);
        call.Set(ref place, call[2]);
        call.Changed(place.Key, KeyEvents.String, "set"u8);
    }

    private static void GetDel(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        call.ReplyValue(place);
        if (!place.Exists) return;
        call.Keyspace.Remove(ref place);
        call.Changed(place.Key, KeyEvents.Generic, "del"u8);
    }

    private static void GetEx(CommandCall call)
    {
        if (!TryGetExOptions(call, out var form, out var persists)) return;
        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        if (!place.Exists)
        {
            call.Reply.Null();
            return;
        }

        var date = -1L;
        if (form != ExpiryForm.None && !ExpiryOption.TryDate(call, 3, form, out date)) return;
        call.ReplyValue(place);
        if (form is ExpiryForm.SecondsDate or ExpiryForm.MillisecondsDate && date <= call.Now)
        {
            call.Keyspace.Remove(ref place);
            call.Changed(place.Key, KeyEvents.Generic, "del"u8);
        }
        else if (date >= 0)
        {
            call.Keyspace.SetExpiry(ref place, date);
            call.Changed(place.Key, KeyEvents.Generic, "expire"u8);
        }
        else if (persists && place.Expiry >= 0)
        {
            call.Keyspace.SetExpiry(ref place, -1);
            call.Changed(place.Key, KeyEvents.Generic, "persist"u8);
        }
    }

    private static bool TryGetExOptions(CommandCall call, out ExpiryForm form, out bool persists)
    {
        (form, persists) = (ExpiryForm.None, false);
        for (var at = 2; at < call.Count; at++)
        {
            var asked = ExpiryOption.FormOf(call, at);
            if (call.Is(at, "PERSIST"u8) && form == ExpiryForm.None) persists = true;
            else if (asked != ExpiryForm.None && !persists && (form == ExpiryForm.None || form == asked) && at + 1 < call.Count && at == 2)
            {
                form = asked;
                at++;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        return true;
    }

    private static void MGet(CommandCall call)
    {
        call.Reply.Array(call.Count - 1);
        for (var i = 1; i < call.Count; i++)
        {
            var place = call.Locate(i);
            if (place.Kind == ValueKind.String) call.Reply.Bulk(place.Bytes);
            else call.Reply.Null();
        }
    }

    private static void MSet(CommandCall call)
    {
        if (call.Count % 2 == 0) call.WrongArity();
        else
        {
            SetAll(call);
            call.Reply.Ok();
        }
    }

    private static void MSetNx(CommandCall call)
    {
        if (call.Count % 2 == 0)
        {
            call.WrongArity();
            return;
        }

        for (var i = 1; i < call.Count; i += 2)
        {
            if (!call.Locate(i).Exists) continue;
            call.Reply.Integer(0);
            return;
        }

        SetAll(call);
        call.Reply.Integer(1);
    }

    private static void SetAll(CommandCall call)
    {
        for (var i = 1; i < call.Count; i += 2)
        {
            var place = call.Locate(i);
            call.Set(ref place, call[i + 1]);
            call.Changed(place.Key, KeyEvents.String, "set"u8);
        }
    }

    private static void Append(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        var more = call[2];
        var before = place.Bytes.Length;
        if (before + (long)more.Length > StringValue.BytesMax)
        {
            call.Reply.Error(CommandErrors.StringTooLong);
            return;
        }

        if (!place.Exists) call.Set(ref place, more);
        else more.CopyTo(call.Keyspace.Open(ref place, before + more.Length, ValueEncoding.Raw)[before..]);
        call.Changed(place.Key, KeyEvents.String, "append"u8);
        call.Reply.Integer(before + more.Length);
    }

    private static void StrLen(CommandCall call)
    {
        if (call.TryLocate(1, ValueKind.String, out var place)) call.Reply.Integer(place.Bytes.Length);
    }

    private static void GetRange(CommandCall call)
    {
        if (!call.TryInteger(2, out var start) || !call.TryInteger(3, out var end) || !call.TryLocate(1, ValueKind.String, out var place)) return;
        var bytes = place.Bytes;
        if (start < 0 && end < 0 && start > end)
        {
            call.Reply.Bulk([]);
            return;
        }

        start = start < 0 ? Math.Max(0, bytes.Length + start) : start;
        end = Math.Min(end < 0 ? Math.Max(0, bytes.Length + end) : end, bytes.Length - 1);
        call.Reply.Bulk(start > end || bytes.Length == 0 ? [] : bytes[(int)start..(int)(end + 1)]);
    }

    private static void SetRange(CommandCall call)
    {
        if (!call.TryInteger(2, out var offset)) return;
        if (offset < 0)
        {
            call.Reply.Error("ERR offset is out of range"u8);
            return;
        }

        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        var part = call[3];
        var before = place.Bytes.Length;
        if (part.Length == 0)
        {
            call.Reply.Integer(before);
            return;
        }

        if (offset > StringValue.BytesMax - part.Length)
        {
            call.Reply.Error(CommandErrors.StringTooLong);
            return;
        }

        var length = Math.Max(before, (int)offset + part.Length);
        Span<byte> bytes;
        if (place.Exists)
        {
            bytes = call.Keyspace.Open(ref place, length, ValueEncoding.Raw);
        }
        else
        {
            bytes = call.Keyspace.Fill(ref place, ValueKind.String, ValueEncoding.Raw, length);
            bytes.Clear();
        }

        part.CopyTo(bytes[(int)offset..]);
        call.Changed(place.Key, KeyEvents.String, "setrange"u8);
        call.Reply.Integer(length);
    }
}
