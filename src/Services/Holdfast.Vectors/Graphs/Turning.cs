namespace Holdfast.Vectors.Graphs;

/// <summary>
/// One fixed turn of vectors that looks random: signs are flipped, then sums and differences are taken over a power of two of the components, first at the front and then at the back, and the halves are
/// mixed; four times. Lengths and angles stay, and what was in few components is spread over all. The same on every machine.
/// </summary>
internal sealed class Turning
{
    private const int Rounds = 4;

    private readonly int size;
    private readonly int power;
    private readonly bool[] flips;

    /// <summary>For vectors of a length that is a multiple of 32.</summary>
    public Turning(int size)
    {
        this.size = size;
        power = 1;
        while (power * 2 <= size) power *= 2;
        flips = new bool[Rounds * size];
        var state = 0x9E3779B97F4A7C15UL;
        for (var at = 0; at < flips.Length; at++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            flips[at] = (state >> 40 & 1) != 0;
        }
    }

    /// <summary>Turns a vector in its place.</summary>
    public void Turn(Span<float> values)
    {
        for (var round = 0; round < Rounds; round++)
        {
            for (var at = 0; at < size; at++)
                if (flips[(round * size) + at]) values[at] = -values[at];
            Spread(round % 2 == 0 ? values[..power] : values[(size - power)..size]);
            if (power < size) MixHalves(values);
        }
    }

    /// <summary>The Walsh-Hadamard transform, scaled so that lengths stay.</summary>
    private static void Spread(Span<float> values)
    {
        for (var half = 1; half < values.Length; half *= 2)
            for (var from = 0; from < values.Length; from += 2 * half)
                for (var at = from; at < from + half; at++) (values[at], values[at + half]) = (values[at] + values[at + half], values[at] - values[at + half]);
        var scale = 1 / MathF.Sqrt(values.Length);
        foreach (ref var value in values) value *= scale;
    }

    private void MixHalves(Span<float> values)
    {
        var half = size / 2;
        var scale = MathF.Sqrt(0.5f);
        for (var at = 0; at < half; at++) (values[at], values[at + half]) = ((values[at] + values[at + half]) * scale, (values[at] - values[at + half]) * scale);
    }
}
