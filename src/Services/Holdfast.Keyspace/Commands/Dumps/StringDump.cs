namespace Holdfast.Keyspace;

/// <summary>Strings in RDB payloads.</summary>
internal sealed class StringDump : IDumpForm
{
    public ValueKind Kind => ValueKind.String;

    public ReadOnlySpan<RdbType> Types => [RdbType.String];

    public void Write(CommandCall call, scoped in KeyPlace place, RdbWriter writer)
    {
        writer.Byte((byte)RdbType.String);
        writer.String(place.Bytes);
    }

    public bool TryRead(CommandCall call, RdbType type, ref RdbReader reader, scoped ref KeyPlace place, long expiry)
    {
        var text = reader.String();
        if (!reader.IsWhole || text.Length > StringValue.BytesMax) return false;
        call.Set(ref place, text, expiry);
        return true;
    }
}
