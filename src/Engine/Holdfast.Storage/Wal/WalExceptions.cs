namespace Holdfast.Storage;

/// <summary>A write or fsync failed before: whatever the log would say now about durability could be a lie, so it says nothing until the process restarts (S7).</summary>
public sealed class WalPoisonedException(string message, Exception cause) : IOException(message, cause);

/// <summary>The log on disk may not be used by this program or this node; the message says what to do.</summary>
public sealed class WalRefusedException(string message) : IOException(message);
