namespace Holdfast.Keyspace;

/// <summary>What a command that visits every led shard gathers on its way; the last visit replies.</summary>
internal sealed class Gathering
{
    /// <summary>Shards to be visited.</summary>
    public int Shards { get; set; }

    public long Number { get; set; }

    public List<byte[]> Keys { get; } = [];

    public void Begin(int shards)
    {
        Shards = shards;
        Number = 0;
        Keys.Clear();
    }
}
