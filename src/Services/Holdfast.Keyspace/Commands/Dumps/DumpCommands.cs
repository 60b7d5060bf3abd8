using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>DUMP and RESTORE: a value as Redis's RDB payload, out and in.</summary>
internal sealed class DumpCommands : ICommandFamily
{
    /// <summary>The version that payloads are marked with: Redis 7.0's, which every later one takes.</summary>
    public const ushort VersionWritten = 10;

    /// <summary>Behind every payload: the version and the checksum.</summary>
    public const int TailBytes = 10;

    /// <summary>What a hash with dates of its fields is marked with: Redis 7.4's.</summary>
    private const ushort VersionOfDates = 12;

    /// <summary>The newest version that is taken.</summary>
    private const ushort VersionRead = VersionOfDates;

    private readonly RdbWriter writer = new();

    public void Bind(CommandTable table)
    {
        table.Bind("dump", Dump, "Returns a value in a form that RESTORE takes, here and at Redis");
        table.Bind("restore", Restore, "Makes a key from what DUMP returned");
        table.Bind("restore-asking", Restore, "RESTORE, as a move of a slot between Redises says it");
    }

    /// <summary>The version that a payload is marked with.</summary>
    public static ushort VersionOf(ReadOnlySpan<byte> payload) => payload[0] == (byte)RdbType.HashDated ? VersionOfDates : VersionWritten;

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
        writer.Close(VersionOf(writer.Written));
        call.Reply.Bulk(writer.Written);
    }

    private static void Restore(CommandCall call)
    {
        if (!TryOptions(call, out var options)) return;
        var place = call.Locate(1);
        if (place.Exists && !options.Replaces)
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

        var expiry = life == 0 ? -1 : options.IsDate ? life : life > long.MaxValue - call.Now ? long.MaxValue : life + call.Now;
        Read(call, ref place, payload[..^TailBytes], expiry);
        if (place.Exists) SetUse(call, place, options);
    }

    /// <summary>How the key was used before: what its node's policy asks of it. No part of what is replicated.</summary>
    private static unsafe void SetUse(CommandCall call, scoped in KeyPlace place, in Options options)
    {
        var seconds = (uint)(call.Now / 1000);
        if (call.Node.Settings.IsLfu && options.Frequency >= 0) KeyRecord.Frequency(place.Record) = (byte)options.Frequency;
        else if (!call.Node.Settings.IsLfu && options.IdleSeconds >= 0) KeyRecord.Access(place.Record) = options.IdleSeconds >= seconds ? 1 : seconds - (uint)options.IdleSeconds;
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

    /// <summary>RESTORE's options.</summary>
    private struct Options
    {
        public bool Replaces;
        public bool IsDate;
        public long IdleSeconds;
        public long Frequency;
    }

    private static bool TryOptions(CommandCall call, out Options options)
    {
        options = new Options { IdleSeconds = -1, Frequency = -1 };
        for (var at = 4; at < call.Count; at++)
        {
            var hasMore = at + 1 < call.Count;
            if (call.Is(at, "REPLACE"u8)) options.Replaces = true;
            else if (call.Is(at, "ABSTTL"u8)) options.IsDate = true;
            else if (hasMore && options.Frequency < 0 && call.Is(at, "IDLETIME"u8))
            {
                if (!TryNumber(call, ++at, long.MaxValue, "ERR Invalid IDLETIME value, must be >= 0"u8, out options.IdleSeconds)) return false;
            }
            else if (hasMore && options.IdleSeconds < 0 && call.Is(at, "FREQ"u8))
            {
                if (!TryNumber(call, ++at, 255, "ERR Invalid FREQ value, must be >= 0 and <= 255"u8, out options.Frequency)) return false;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        return true;
    }

    private static bool TryNumber(CommandCall call, int argument, long most, ReadOnlySpan<byte> refusal, out long number)
    {
        if (!call.TryInteger(argument, out number)) return false;
        if (number >= 0 && number <= most) return true;
        call.Reply.Error(refusal);
        return false;
    }

    /// <summary>Whether the version is known and the checksum right.</summary>
    public static bool IsSound(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < TailBytes || BinaryPrimitives.ReadUInt16LittleEndian(payload[^TailBytes..]) > VersionRead) return false;
        return BinaryPrimitives.ReadUInt64LittleEndian(payload[^8..]) == Crc64.Of(payload[..^8]);
    }
}
