namespace Holdfast.Server.Hosting;

/// <summary>
/// Empties the data directory of a node that was removed from its cluster for good and told to begin anew (CLUSTER RESET). The mark is durable before anything goes and goes last, so that a crash in between empties more at
/// the next start, and never leaves half a node. What the directory holds is nobody's any more: its replicas were moved before the node was removed, and a removed incarnation never comes back (S4).
/// </summary>
internal static class ResetDirectory
{
    private const string Mark = "reset";
    private const string Lock = "lock";

    /// <summary>Says that the next start begins anew; durable when this returns.</summary>
    public static void Ask(string folder)
    {
        using var file = new FileStream(Path.Combine(folder, Mark), FileMode.Create, FileAccess.Write);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Empties the directory if that was asked for.</summary>
    public static void Apply(string folder, NodeLog log)
    {
        var mark = Path.Combine(folder, Mark);
        if (!File.Exists(mark)) return;
        foreach (var each in Directory.EnumerateDirectories(folder)) Directory.Delete(each, recursive: true);
        foreach (var each in Directory.EnumerateFiles(folder))
            if (Path.GetFileName(each) is not (Mark or Lock)) File.Delete(each);
        File.Delete(mark);
        log.Say(NodeEvents.Cluster, "this node was removed from its cluster and told to begin anew: it is another node now, alone and empty");
    }
}
