namespace Holdfast.Keyspace;

/// <summary>What a command that goes on in several entries gathers on its way: one that visits every led shard, or does much with one key. The last visit replies.</summary>
internal sealed class Gathering
{
    /// <summary>Shards to be visited.</summary>
    public int Shards { get; set; }

    public long Number { get; set; }

    /// <summary>The slot at which a walk goes on.</summary>
    public int Slot { get; set; }

    /// <summary>The command has not done with its present shard: it is executed there again, in another entry, after others had their turn.</summary>
    public bool IsUnfinished { get; set; }

    /// <summary>The client's command that goes on in slices; null for none.</summary>
    public SlicedRun? Run { get; set; }

    /// <summary>The RDB file that SYNC makes; null for none.</summary>
    public GatheredFile? File { get; set; }

    public List<byte[]> Keys { get; } = [];

    public void Begin(int shards)
    {
        Shards = shards;
        Number = 0;
        Slot = 0;
        IsUnfinished = false;
        File = null;
        Keys.Clear();
    }

    /// <summary>What goes on in slices is given up: its client has gone, or its command goes where nobody knows of it.</summary>
    public void EndRun()
    {
        Run?.End();
        Run = null;
    }
}
