namespace Holdfast.Keyspace;

/// <summary>What a client may leave unread: beyond the hard limit it is cut off at once, beyond the soft one after so many seconds. Zero is no limit.</summary>
/// <param name="HardBytes">The hard limit.</param>
/// <param name="SoftBytes">The soft limit.</param>
/// <param name="SoftSeconds">How long the soft limit may be exceeded.</param>
internal readonly record struct OutputLimit(long HardBytes, long SoftBytes, long SoftSeconds);
