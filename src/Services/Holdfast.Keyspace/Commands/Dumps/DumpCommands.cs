using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>DUMP and RESTORE: a value as Redis's RDB payload, out and in.</summary>
internal sealed class DumpCommands : ICommandFamily
{
    /// <summary>The version that payloads are marked with: Redis 7.0's, which every later one takes.</summary>
    private const ushort VersionWritten = 10;

    /// <summary>The newest version that is taken: Redis 7.2's.</summary>
    private const ushort VersionRead = 11;

    private const int TailBytes = 10;

    private readonly RdbWriter writer = new();

    public void Bind(CommandTable table)
    {
        table.Bind("dump", Dump, "Returns a value in a form that RESTORE takes, here and at Redis");
        table.Bind("restore", Restore, "Makes a key from what DUMP returned");
    }

    private void Dump(CommandCall call)
    {
        var place = call.Locate(1);
        if (!place.Exists || DumpForms.Of(place.Kind) is not { } form)
        {
            call.Reply.Null();
            return;
        }

        writer.Clear();
        form.Write(call, place, writer);
        writer.Close(VersionWritten);
        call.Reply.Bulk(writer.Written);
    }

    private static void Restore(CommandCall call)
    {
        if (!TryOptions(call, out var replaces, out var isDate)) return;
        var place = call.Locate(1);
        if (place.Exists && !replaces)
        {
            call.Reply.Error("BUSYKEY Target key name already exists."u8);
            return;
        }

        if (!call.TryInteger(2, out var life)) return;
        if (life < 0)
        {
            call.Reply.Error("ERR Invalid TTL value, must be >= 0"u8);
            return;
        }

        var payload = call[3];
        if (!IsSound(payload))
        {
            call.Reply.Error("ERR DUMP payload version or checksum are wrong"u8);
            return;
        }

        var expiry = life == 0 ? -1 : isDate ? life : life > long.MaxValue - call.Now ? long.MaxValue : life + call.Now;
        Read(call, ref place, payload[..^TailBytes], expiry);
    }

    private static void Read(CommandCall call, ref KeyPlace place, ReadOnlySpan<byte> payload, long expiry)
    {
        var isPast = expiry >= 0 && expiry <= call.Now && !call.IsReplay;
        var existed = place.Exists;
        var reader = new RdbReader(payload);
        var type = (RdbType)reader.Byte();
        if (DumpForms.Of(type) is not { } form || !form.TryRead(call, type, ref reader, ref place, expiry))
        {
            call.Reply.Error("ERR Bad data format"u8);
            return;
        }

        if (isPast)
        {
            // It would be gone at once: only what stood there before is deleted.
            call.Keyspace.Remove(ref place);
            call.LogNothingMore();
            if (existed) LogDelete(call);
            call.Changed(place.Key, KeyEvents.Generic, "del"u8, existed ? 1 : 0);
        }
        else
        {
            call.Changed(place.Key, KeyEvents.Generic, "restore"u8);
        }

        call.Reply.Ok();
    }

    private static void LogDelete(CommandCall call)
    {
        var log = call.LogInstead(2);
        log.Argument("DEL"u8);
        log.Argument(call[1]);
    }

    private static bool TryOptions(CommandCall call, out bool replaces, out bool isDate)
    {
        (replaces, isDate) = (false, false);
        for (var at = 4; at < call.Count; at++)
        {
            var hasMore = at + 1 < call.Count;
            if (call.Is(at, "REPLACE"u8)) replaces = true;
            else if (call.Is(at, "ABSTTL"u8)) isDate = true;
            else if (hasMore && call.Is(at, "IDLETIME"u8))
            {
                if (!TryNumber(call, ++at, long.MaxValue, "ERR Invalid IDLETIME value, must be >= 0"u8)) return false;
            }
            else if (hasMore && call.Is(at, "FREQ"u8))
            {
                if (!TryNumber(call, ++at, 255, "ERR Invalid FREQ value, must be >= 0 and <= 255"u8)) return false;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        return true;
    }

    private static bool TryNumber(CommandCall call, int argument, long most, ReadOnlySpan<byte> refusal)
    {
        if (!call.TryInteger(argument, out var number)) return false;
        if (number >= 0 && number <= most) return true;
        call.Reply.Error(refusal);
        return false;
    }

    /// <summary>Whether the version is known and the checksum right.</summary>
    private static bool IsSound(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < TailBytes || BinaryPrimitives.ReadUInt16LittleEndian(payload[^TailBytes..]) > VersionRead) return false;
        return BinaryPrimitives.ReadUInt64LittleEndian(payload[^8..]) == Crc64.Of(payload[..^8]);
    }
}
