namespace Holdfast.Coordination;

/// <summary>What the keyspace may take.</summary>
/// <param name="QuotaBytes">In all.</param>
/// <param name="RequestBytesMax">In one write.</param>
internal readonly record struct SpaceBounds(long QuotaBytes, int RequestBytesMax)
{
    /// <summary>Whether a write would go beyond the quota, with so much taken already. Its size is reckoned only where the largest one would.</summary>
    public bool AreMetBy(long sizeBytes, Google.Protobuf.IMessage request) => sizeBytes > QuotaBytes - RequestBytesMax && sizeBytes + request.CalculateSize() > QuotaBytes;
}
