namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>Walks over a message's fields without reading them (protobuf's encoding). What is not whole, or of a kind that is not sent any more, ends it.</summary>
internal ref struct FieldScan(ReadOnlySpan<byte> message)
{
    private const int Varint = 0;
    private const int EightBytes = 1;
    private const int Bytes = 2;
    private const int FourBytes = 5;

    private ReadOnlySpan<byte> rest = message;

    /// <summary>The field's number.</summary>
    public int Number { get; private set; }

    /// <summary>Whether it is text, bytes, a message or packed numbers.</summary>
    public bool IsBytes { get; private set; }

    /// <summary>What these are; empty for a field of another kind.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>The field with its tag.</summary>
    public ReadOnlySpan<byte> Whole { get; private set; }

    /// <summary>Whether the walk came to the message's end.</summary>
    public bool IsAtEnd { readonly get; private set; } = message.IsEmpty;

    /// <summary>The next field; false at the end, and where it cannot be passed over.</summary>
    public bool TryNext()
    {
        var from = rest;
        if (from.IsEmpty || !TryVarint(out var tag) || tag >> 3 is 0 or > int.MaxValue) return false;
        (Number, IsBytes) = ((int)(tag >> 3), false);
        Content = default;
        var length = 0UL;
        switch ((int)tag & 7)
        {
            case Varint when TryVarint(out _): break;
            case EightBytes: length = sizeof(ulong); break;
            case FourBytes: length = sizeof(uint); break;
            case Bytes when TryVarint(out length): IsBytes = true; break;
            default: return false;
        }

        if (length > (ulong)rest.Length) return false;
        if (IsBytes) Content = rest[..(int)length];
        rest = rest[(int)length..];
        Whole = from[..^rest.Length];
        IsAtEnd = rest.IsEmpty;
        return true;
    }

    private bool TryVarint(out ulong value)
    {
        value = 0;
        for (var at = 0; at < 10 && at < rest.Length; at++)
        {
            value |= (ulong)(rest[at] & 0x7f) << (7 * at);
            if ((rest[at] & 0x80) != 0) continue;
            rest = rest[(at + 1)..];
            return true;
        }

        return false;
    }
}
