using System.Buffers;
using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests.Fuzz;

/// <summary>Bytes that were right once.</summary>
internal static class DamagedBytes
{
    private static readonly string[] Nonsense =
    [
        "\"", "{", "}", "[", "]", ":", ",", "null", "true", "1e400", "-0", "99999999999999999999999999", "0x10", "NaN", "\\u0000", "\\ud800", "\"\\x\"", "\"=\"", "\"====\"", "{}", "\0", "\u00ff\u00fe",
    ];

    /// <summary>One to four damages: bits, cuts, repetitions, insertions.</summary>
    public static byte[] Of(byte[] whole, SeededRandom dice)
    {
        var bytes = new List<byte>(whole);
        for (var count = 1 + dice.Next(4); count > 0 && bytes.Count > 0; count--)
        {
            var at = dice.Next(bytes.Count);
            var length = Math.Min(bytes.Count - at, 1 + dice.Next(16));
            switch (dice.Next(7))
            {
                case 0: bytes[at] ^= (byte)(1 << dice.Next(8)); break;
                case 1: bytes[at] = (byte)dice.Next(256); break;
                case 2: bytes.RemoveRange(at, length); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
                case 4: bytes.RemoveRange(at, bytes.Count - at); break;
                case 5: bytes.InsertRange(at, Encoding.Latin1.GetBytes(Nonsense[dice.Next(Nonsense.Length)])); break;
                default: bytes.InsertRange(at, Enumerable.Repeat((byte)dice.Next(256), length)); break;
            }
        }

        return [.. bytes];
    }

    /// <summary>The same bytes as a sequence of two or more segments.</summary>
    public static ReadOnlySequence<byte> Split(byte[] bytes, params int[] places)
    {
        var first = new Segment(bytes.AsMemory(0, places[0]), 0);
        var last = first;
        for (var at = 0; at < places.Length; at++)
        {
            var end = at + 1 < places.Length ? places[at + 1] : bytes.Length;
            last = last.Append(bytes.AsMemory(places[at], end - places[at]));
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
