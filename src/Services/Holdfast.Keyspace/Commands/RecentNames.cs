using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>
/// Names of commands as clients wrote them lately, in whatever case: short ones, a place each by their bytes, the newest in it. It spares each command a lookup by content (<c>bench/peers/redis.sh one</c>, 16 at a time).
/// Any thread may ask: a place is replaced as a whole.
/// </summary>
internal sealed class RecentNames
{
    private const int PlacesLog = 8;
    private const int BytesMax = 8;

    private readonly Known?[] places = new Known?[1 << PlacesLog];

    private sealed record Known(ulong Name, int Length, CommandSpec Spec);

    /// <summary>The command that was called so, if it is remembered.</summary>
    public CommandSpec? Find(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > BytesMax) return null;
        var bytes = Pack(name);
        return places[PlaceOf(bytes)] is { } known && known.Name == bytes && known.Length == name.Length ? known.Spec : null;
    }

    /// <summary>Remembers it, in the place of another.</summary>
    public void Add(ReadOnlySpan<byte> name, CommandSpec spec)
    {
        if (name.Length is 0 or > BytesMax) return;
        var bytes = Pack(name);
        places[PlaceOf(bytes)] = new Known(bytes, name.Length, spec);
    }

    private static int PlaceOf(ulong name) => (int)((name * 0x9E3779B97F4A7C15) >> (64 - PlacesLog));

    /// <summary>All bytes of a name, another number for each of the same length.</summary>
    private static ulong Pack(ReadOnlySpan<byte> name) => name.Length >= 4
        ? BinaryPrimitives.ReadUInt32LittleEndian(name) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(name[^4..]) << 32)
        : name[0] | ((ulong)name[name.Length >> 1] << 8) | ((ulong)name[^1] << 16);
}
