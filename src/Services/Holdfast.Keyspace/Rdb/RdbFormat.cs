namespace Holdfast.Keyspace.Rdb;

/// <summary>What stands between the values of an RDB file (rdb.h of Redis 7).</summary>
internal static class RdbFormat
{
    public const byte SlotFacts = 244;
    public const byte Library = 245;
    public const byte ModuleFacts = 247;
    public const byte IdleTime = 248;
    public const byte Frequency = 249;
    public const byte Fact = 250;
    public const byte TableSizes = 251;
    public const byte ExpiryInMilliseconds = 252;
    public const byte ExpiryInSeconds = 253;
    public const byte Database = 254;
    public const byte End = 255;

    /// <summary>The newest version whose files are read: Redis 7.4's.</summary>
    public const int VersionMax = 12;

    /// <summary>From this version on a checksum stands at the end.</summary>
    public const int VersionWithSum = 5;

    /// <summary>What every file begins with; four digits of the version follow.</summary>
    public static ReadOnlySpan<byte> Magic => "REDIS"u8;
}

/// <summary>What a reader finds in an RDB file.</summary>
public abstract record RdbRecord
{
    /// <summary>A key with its value.</summary>
    /// <param name="Database">The number of its database.</param>
    /// <param name="Name">The key.</param>
    /// <param name="Payload">The value as RESTORE takes it.</param>
    /// <param name="Expiry">When it expires, ms since the Unix epoch; -1 for never.</param>
    public sealed record Key(int Database, byte[] Name, byte[] Payload, long Expiry) : RdbRecord;

    /// <summary>A library of functions.</summary>
    /// <param name="Code">Its text.</param>
    public sealed record Library(byte[] Code) : RdbRecord;
}
