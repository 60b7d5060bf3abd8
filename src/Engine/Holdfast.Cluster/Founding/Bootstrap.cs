using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>What a node says of itself when another one bootstraps.</summary>
/// <param name="Node">Its incarnation.</param>
/// <param name="Name">Its name.</param>
/// <param name="Genesis">Its genesis; null while it is empty.</param>
/// <param name="Member">What the genesis should say of it.</param>
public sealed record BootstrapAnswer(NodeId Node, string Name, Genesis? Genesis, MemberRecord Member);

/// <summary>What a bootstrap has come to.</summary>
public enum BootstrapPhase : byte
{
    /// <summary>Not every listed node has answered, or the founder has not formed the genesis yet.</summary>
    Waiting = 0,

    /// <summary>This node is the founder, everybody is present and empty: form the genesis now, persist it, and say so with <see cref="Bootstrap.OnFormed"/>.</summary>
    Form = 1,

    /// <summary>There is a genesis that names this very incarnation: persist it and start.</summary>
    Adopt = 2,

    /// <summary>The cluster exists and knows this node's name under an older incarnation: join as its replacement (S4).</summary>
    JoinAsReplacement = 3,

    /// <summary>The cluster exists and does not know this node: it needs a join token.</summary>
    Refused = 4,
}

/// <summary>
/// Founding a cluster, once (S4): a pure state machine. Every listed node asks every other who it is. The lowest name forms the genesis when all have answered present
/// and empty; the others wait until somebody shows them a genesis that names their own incarnation. A node that has told a founder that it is empty adopts from that
/// founder's incarnation only: a genesis of a founder that was wiped in between can no longer spread.
/// </summary>
public sealed class Bootstrap
{
    private static readonly Mark StaleFounder = new("cluster: the genesis of a founder that was wiped meanwhile was not adopted", elsewhere: "FoundingTests: how founders agree is a model of its own");
    private static readonly Mark SelfWiped = new("cluster: a wiped node found itself in the genesis under its old incarnation", elsewhere: "FoundingTests: how founders agree is a model of its own");

    private readonly MemberRecord self;
    private readonly string[] listed;
    private readonly SortedDictionary<string, BootstrapAnswer> answers = new(StringComparer.Ordinal);
    private NodeId pledgedTo;

    /// <summary>A bootstrap of the listed names, this node's among them.</summary>
    public Bootstrap(MemberRecord self, IEnumerable<string> listedNames)
    {
        this.self = self;
        listed = [.. listedNames.Order(StringComparer.Ordinal)];
        Invariant.Holds(Array.IndexOf(listed, self.Name) >= 0, "a bootstrap does not list the node itself");
        answers[self.Name] = new BootstrapAnswer(self.Node, self.Name, null, self);
    }

    /// <summary>What it has come to.</summary>
    public BootstrapPhase Phase { get; private set; }

    /// <summary>The genesis to adopt; or the existing cluster's, to join it or to say why this node is refused.</summary>
    public Genesis? Found { get; private set; }

    /// <summary>Whether this node forms the genesis.</summary>
    public bool IsFounder => listed[0] == self.Name;

    /// <summary>The listed nodes that have not answered yet.</summary>
    public IEnumerable<string> Silent => listed.Where(name => !answers.ContainsKey(name));

    /// <summary>Another node asks who we are: it is told, and if it is the founder it may count on us being empty.</summary>
    public BootstrapAnswer OnAsked(NodeId asker, string askerName)
    {
        if (askerName == listed[0] && Phase == BootstrapPhase.Waiting) pledgedTo = asker;
        return answers[self.Name];
    }

    /// <summary>A listed node has answered.</summary>
    public void OnAnswer(BootstrapAnswer answer)
    {
        if (Phase != BootstrapPhase.Waiting && Phase != BootstrapPhase.Form) return;
        if (answer.Name == self.Name || Array.IndexOf(listed, answer.Name) < 0) return;
        answers[answer.Name] = answer;
        if (answer.Genesis is { } genesis) Judge(genesis);
        else if (IsFounder && listed.All(name => answers.TryGetValue(name, out var one) && one.Genesis is null)) Phase = BootstrapPhase.Form;
    }

    /// <summary>The genesis that this founder forms: all listed nodes by name, each in the incarnation that answered.</summary>
    public Genesis Form(ClusterId cluster, string authorityFingerprint, ReadOnlySpan<byte> authorityCertificate)
    {
        Invariant.Holds(Phase == BootstrapPhase.Form, "a genesis was to be formed before every listed node was present and empty");
        var members = ImmutableArray.CreateBuilder<MemberRecord>();
        foreach (var name in listed) members.Add(answers[name].Member);
        return new Genesis { Cluster = cluster, Founder = self.Node, Members = members.ToImmutable(), AuthorityFingerprint = authorityFingerprint, AuthorityCertificate = [.. authorityCertificate] };
    }

    /// <summary>The genesis is durable here: from now on we show it to whoever asks.</summary>
    public void OnFormed(Genesis genesis) => Settle(BootstrapPhase.Adopt, genesis);

    private void Judge(Genesis genesis)
    {
        var member = genesis.Find(self.Name);
        if (member is null)
        {
            Settle(BootstrapPhase.Refused, genesis);
        }
        else if (member.Node != self.Node || genesis.Origin != GenesisOrigin.Founded)
        {
            // A joined node's book names members of any age: only founders' ids tell who may begin with a vote.
            SelfWiped.Hit();
            Settle(BootstrapPhase.JoinAsReplacement, genesis);
        }
        else if (pledgedTo != NodeId.None && pledgedTo != genesis.Founder)
        {
            StaleFounder.Hit();
            Settle(BootstrapPhase.Refused, genesis);
        }
        else
        {
            Settle(BootstrapPhase.Adopt, genesis);
        }
    }

    private void Settle(BootstrapPhase phase, Genesis genesis)
    {
        Phase = phase;
        Found = genesis;
        answers[self.Name] = new BootstrapAnswer(self.Node, self.Name, phase == BootstrapPhase.Adopt ? genesis : null, self);
    }
}
