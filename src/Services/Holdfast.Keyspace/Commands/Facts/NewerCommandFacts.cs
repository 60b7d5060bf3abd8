namespace Holdfast.Keyspace;

/// <summary>
/// Facts about commands that came after Redis 7.0, and our own; the fields are those of <see cref="DataCommandFacts"/>. The installed 7.0.15 cannot be asked about them: they are built from their documentation
/// (redis.io, 7.2 and 7.4) and marked so in docs/keyspace.md.
/// </summary>
internal static class NewerCommandFacts
{
    public const string Rows = """
        client|no-touch;3;noscript loading stale;0 0 0;slow connection;connection;7.2.0;;
        client|setinfo;4;noscript loading stale;0 0 0;slow connection;connection;7.2.0;;
        """;
}
