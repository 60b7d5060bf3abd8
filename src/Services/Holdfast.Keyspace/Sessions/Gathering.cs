namespace Holdfast.Keyspace;

/// <summary>What a command that visits every led shard gathers on its way; the last visit replies.</summary>
internal sealed class Gathering
{
    /// <summary>Shards to be visited.</summary>
    public int Shards { get; set; }

    public long Number { get; set; }

    /// <summary>The slot at which a walk goes on.</summary>
    public int Slot { get; set; }

    /// <summary>The command has not done with its present shard: it is executed there again, in another entry, after others had their turn.</summary>
    public bool IsUnfinished { get; set; }

    public List<byte[]> Keys { get; } = [];

    public void Begin(int shards)
    {
        Shards = shards;
        Number = 0;
        Slot = 0;
        IsUnfinished = false;
        Keys.Clear();
    }
}
