using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>
/// Of two nodes the one with the smaller id dials the other. One that was down while a node joined does not know where the newcomer is, and when the newcomer leads there is nobody to tell it. So a node that has
/// not heard a member with a smaller id for a while says who and where it is, in a call, which goes in both directions (<see cref="ClusterVerbs.Who"/>, whose question carries the asker's own record).
/// For the one task that looks.
/// </summary>
internal sealed class Introduction(ClusterNodeSetup setup, ControlTrust trust)
{
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(2);

    /// <summary>So many looks in silence, two seconds, and again after as many.</summary>
    private const int LooksMax = 10;

    private static readonly Mark Introduced = new("cluster: a node made itself known to a member that would have had to dial it", elsewhere: "IntroductionTests: who dials whom is not simulated");

    private readonly Dictionary<NodeId, int> silent = [];
    private Task calling = Task.CompletedTask;

    /// <summary>Looks at the members, and calls one that is silent; one call at a time.</summary>
    /// <param name="members">The members.</param>
    /// <param name="question">Who this node is.</param>
    /// <param name="cancellation">The node stops.</param>
    public void Look(IEnumerable<MemberRecord> members, Func<byte[]> question, CancellationToken cancellation)
    {
        foreach (var member in members)
        {
            if (member.Node.CompareTo(setup.Self.Id) >= 0) continue;
            var looks = setup.Runtime.HearsFrom(member.Node) ? 0 : silent.GetValueOrDefault(member.Node) + 1;
            silent[member.Node] = looks;
            if (looks < LooksMax || !calling.IsCompleted) continue;
            silent[member.Node] = 0;
            calling = CallAsync(member, question(), cancellation);
        }
    }

    private async Task CallAsync(MemberRecord member, byte[] question, CancellationToken cancellation)
    {
        var reply = await ControlClient.CallAsync(HostPort.Format(member.Host, member.Port), ClusterVerbs.Who, question, CallMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
        if (reply.IsOk) Introduced.Hit();
    }
}
