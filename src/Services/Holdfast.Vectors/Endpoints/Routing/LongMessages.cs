using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>
/// Messages between nodes that are longer than a control call carries, kept until they have been fetched, or have come, piece by piece. Each has a name that is drawn; one that nobody asks for is forgotten after a
/// while, and when there is no room the call is refused. For all threads.
/// </summary>
internal sealed class LongMessages
{
    /// <summary>Bytes of one piece; longer messages travel in several. Well below what a control call carries.</summary>
    public const int PieceBytes = 2 * 1024 * 1024;

    /// <summary>Bytes that are kept at once on a node.</summary>
    public const long BytesMax = 512L * 1024 * 1024;

    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<ulong, Kept> kept = new();

    /// <summary>Keeps a message that is whole; its name.</summary>
    /// <exception cref="VectorFault">There is no room.</exception>
    public ulong Keep(ReadOnlyMemory<byte> message)
    {
        MakeRoom(message.Length);
        var name = DrawName();
        kept[name] = new Kept(message, message.Length) { TouchedAt = Environment.TickCount64 };
        return name;
    }

    /// <summary>A piece of a message, and the end of it when it was the last.</summary>
    /// <exception cref="VectorFault">It is not there.</exception>
    public ReadOnlyMemory<byte> PieceOf(ulong name, int from)
    {
        if (!kept.TryGetValue(name, out var message) || from < 0 || from >= message.Length) throw VectorFault.Unavailable("what was to be fetched is not there any more");
        message.TouchedAt = Environment.TickCount64;
        var piece = message.Bytes.Slice(from, Math.Min(PieceBytes, message.Length - from));
        if (from + piece.Length == message.Length) kept.TryRemove(name, out _);
        return piece;
    }

    /// <summary>A piece has come. Pieces come in order; one that comes twice is the same.</summary>
    /// <exception cref="VectorFault">It does not fit, or there is no room.</exception>
    public void Add(ulong name, int length, int from, ReadOnlyMemory<byte> piece)
    {
        if (from == 0 && !kept.ContainsKey(name))
        {
            if (length is <= 0 or > CollectionLimits.RequestBytesMax * 2) throw VectorFault.TooLarge(CollectionLimits.RequestBytesMax);
            MakeRoom(length);
            kept.TryAdd(name, new Kept(new byte[length], 0));
        }

        if (!kept.TryGetValue(name, out var message) || from > message.Come || from + piece.Length > message.Length) throw VectorFault.Unavailable("a piece of a long message does not fit to those before it");
        message.Take(from, piece);
    }

    /// <summary>Takes a message that has come whole.</summary>
    /// <exception cref="VectorFault">It has not.</exception>
    public ReadOnlyMemory<byte> Take(ulong name) =>
        kept.TryRemove(name, out var message) && message.Come == message.Length ? message.Bytes : throw VectorFault.Unavailable("a long message did not come whole");

    /// <summary>A new name.</summary>
    public static ulong DrawName() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    private void MakeRoom(long bytes)
    {
        var held = 0L;
        foreach (var (name, message) in kept)
            if (Environment.TickCount64 - message.TouchedAt > KeptFor.TotalMilliseconds) kept.TryRemove(name, out _);
            else held += message.Length;
        if (held + bytes > BytesMax) throw VectorFault.Unavailable("too many long answers wait to be fetched: ask for fewer points, or for less of them");
    }

    private sealed class Kept(ReadOnlyMemory<byte> bytes, int come)
    {
        public ReadOnlyMemory<byte> Bytes => bytes;

        public int Length => bytes.Length;

        public int Come { get; private set; } = come;

        public long TouchedAt { get; set; } = Environment.TickCount64;

        public void Take(int from, ReadOnlyMemory<byte> piece)
        {
            piece.Span.CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsMemory(bytes).Span[from..]);
            Come = Math.Max(Come, from + piece.Length);
            TouchedAt = Environment.TickCount64;
        }
    }
}
