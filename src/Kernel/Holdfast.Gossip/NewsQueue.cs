using Holdfast.Primitives;

namespace Holdfast.Gossip;

/// <summary>News to be told, the least told first, each so often and no more; newer news about a node takes the place of older. At most one piece for each node, so it is as large as the cluster.</summary>
internal sealed class NewsQueue
{
    private readonly SortedDictionary<NodeId, (GossipNews News, int Told)> pieces = [];

    public int Count => pieces.Count;

    public void Add(in GossipNews news) => pieces[news.About] = (news, 0);

    public void Forget(NodeId about) => pieces.Remove(about);

    /// <summary>What fits into so many bytes; each taken counts as told.</summary>
    /// <param name="bytesMax">Room.</param>
    /// <param name="tellMax">How often a piece is told.</param>
    /// <param name="first">A piece that goes first, if there is one: to a suspect, that it is one, so that it can object (Lifeguard: buddy system).</param>
    public List<GossipNews> Take(int bytesMax, int tellMax, GossipNews? first)
    {
        var taken = new List<GossipNews>();
        if (first is { } due)
        {
            taken.Add(due);
            bytesMax -= GossipMessage.SizeOf(due);
        }

        foreach (var (about, (news, told)) in pieces.OrderBy(pair => pair.Value.Told).ToArray())
        {
            if (first?.About == about) continue;
            var size = GossipMessage.SizeOf(news);
            if (size > bytesMax) break;
            bytesMax -= size;
            taken.Add(news);
            if (told + 1 >= tellMax) pieces.Remove(about);
            else pieces[about] = (news, told + 1);
        }

        return taken;
    }
}
