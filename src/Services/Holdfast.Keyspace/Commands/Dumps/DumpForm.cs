namespace Holdfast.Keyspace;

/// <summary>How a kind of value is written into RDB payloads and read from them.</summary>
internal interface IDumpForm
{
    ValueKind Kind { get; }

    /// <summary>The types that it reads.</summary>
    ReadOnlySpan<RdbType> Types { get; }

    /// <summary>Writes the type and the value of a key that is there.</summary>
    void Write(CommandCall call, scoped in KeyPlace place, RdbWriter writer);

    /// <summary>Reads a value of a type and, when it is sound, sets the key to it; false when it is not.</summary>
    bool TryRead(CommandCall call, RdbType type, ref RdbReader reader, scoped ref KeyPlace place, long expiry);
}

/// <summary>The forms that are known. A family adds its own.</summary>
internal static class DumpForms
{
    public static IReadOnlyList<IDumpForm> All { get; } = [new StringDump(), new ListDump(), new StreamDump(), new SetDump(), new SortedSetDump(), new HashDump()];

    public static IDumpForm? Of(ValueKind kind)
    {
        foreach (var form in All)
            if (form.Kind == kind) return form;
        return null;
    }

    public static IDumpForm? Of(RdbType type)
    {
        foreach (var form in All)
            if (form.Types.Contains(type)) return form;
        return null;
    }
}
