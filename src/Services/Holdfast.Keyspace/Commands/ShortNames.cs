using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>
/// Commands by their names of up to eight bytes, in small or in capital letters: as nearly all clients write nearly all of them. It spares each command a lookup by content (<c>bench/peers/redis.sh one</c>, 16 at a time).
/// Filled once, then read by whomever.
/// </summary>
internal sealed class ShortNames
{
    /// <summary>For twice some two hundred names.</summary>
    private const int PlacesLog = 10;
    private const int NamesMax = 1 << (PlacesLog - 1);
    private const int BytesMax = 8;

    private readonly Known[] places = new Known[1 << PlacesLog];
    private int count;

    private readonly record struct Known(ulong Name, int Length, CommandSpec? Spec);

    /// <summary>The command of this name; null for one that is not here.</summary>
    public CommandSpec? Find(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > BytesMax) return null;
        var bytes = Pack(name);
        for (var at = PlaceOf(bytes); places[at].Spec is { } spec; at = (at + 1) & (places.Length - 1))
            if (places[at].Name == bytes && places[at].Length == name.Length) return spec;
        return null;
    }

    /// <summary>Adds a name that is not here, while there is room.</summary>
    public void Add(ReadOnlySpan<byte> name, CommandSpec spec)
    {
        if (name.Length is 0 or > BytesMax || count == NamesMax) return;
        count++;
        var bytes = Pack(name);
        var at = PlaceOf(bytes);
        while (places[at].Spec is not null) at = (at + 1) & (places.Length - 1);
        places[at] = new Known(bytes, name.Length, spec);
    }

    private static int PlaceOf(ulong name) => (int)((name * 0x9E3779B97F4A7C15) >> (64 - PlacesLog));

    /// <summary>All bytes of a name, another number for each of the same length.</summary>
    private static ulong Pack(ReadOnlySpan<byte> name) => name.Length >= 4
        ? BinaryPrimitives.ReadUInt32LittleEndian(name) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(name[^4..]) << 32)
        : name[0] | ((ulong)name[name.Length >> 1] << 8) | ((ulong)name[^1] << 16);
}
