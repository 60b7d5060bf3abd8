namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>An export or import cannot go on; the sentence says why.</summary>
public sealed class TransferFailedException(string message) : Exception(message);
