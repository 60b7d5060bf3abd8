using Holdfast.Wire;

namespace Holdfast.Coordination.Mvcc;

/// <summary>A key with one of its versions as snapshots and history runs write it. Part of both formats.</summary>
internal static class VersionCodec
{
    /// <summary>Bytes beside those of key and value.</summary>
    public const int OverheadBytes = 45;

    /// <summary>How many bytes <see cref="Write"/> writes.</summary>
    public static int BytesOf(byte[] key, in KeyVersion version) => OverheadBytes + key.Length + (version.Value?.Length ?? 0);

    /// <summary>Writes one, and returns its bytes.</summary>
    public static int Write(SpanWriter writer, byte[] key, in KeyVersion version)
    {
        writer.WriteBlock(key);
        writer.WriteUInt64((ulong)version.Mod);
        writer.WriteUInt32((uint)version.Sub);
        writer.WriteUInt64((ulong)version.Create);
        writer.WriteUInt64((ulong)version.Number);
        writer.WriteUInt64((ulong)version.Lease);
        writer.WriteByte(version.IsLive ? (byte)1 : (byte)0);
        writer.WriteBlock(version.Value);
        return BytesOf(key, version);
    }

    /// <summary>Reads one; false when the bytes end in the middle of it.</summary>
    public static bool TryRead(ref SpanReader reader, out byte[] key, out KeyVersion version)
    {
        var name = reader.ReadBlock();
        var mod = (long)reader.ReadUInt64();
        var sub = (int)reader.ReadUInt32();
        var create = (long)reader.ReadUInt64();
        var number = (long)reader.ReadUInt64();
        var lease = (long)reader.ReadUInt64();
        var isLive = reader.ReadByte() != 0;
        var value = reader.ReadBlock();
        (key, version) = ([], default);
        if (!reader.IsWhole) return false;
        key = name.ToArray();
        version = new KeyVersion(mod, sub, create, number, lease, isLive ? value.ToArray() : null);
        return true;
    }
}
