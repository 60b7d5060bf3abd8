using System.Buffers.Binary;
using System.Security.Cryptography;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// A node as part of its cluster: founds it, joins it or comes back to it; begins groups 0 and 1; keeps the address book equal to the directory; and runs the
/// procedures while it leads group 0. Make it before the peer listener starts, then call <see cref="StartAsync"/>.
/// </summary>
public sealed class ClusterNode : IAsyncDisposable
{
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan JoinMax = TimeSpan.FromSeconds(15);

    private readonly ClusterNodeSetup setup;
    private readonly ControlTrust trust;
    private readonly NodeHands hands;
    private readonly ProcedureRunner runner;
    private readonly DirectoryState directory = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private readonly Bootstrap? bootstrap;
    private volatile Genesis? genesis;
    private Task running = Task.CompletedTask;

    /// <summary>A node, not yet started; adds its control verbs.</summary>
    /// <exception cref="DataDirectoryUnusableException">The data directory's genesis cannot be read.</exception>
    public ClusterNode(ClusterNodeSetup setup)
    {
        this.setup = setup;
        trust = ControlTrust.Of(setup.Tls);
        hands = new NodeHands(setup, trust, () => View);
        runner = new ProcedureRunner(() => directory.View, hands);
        genesis = GenesisFile.Read(setup.Disk);
        if (genesis is null && setup.JoinTarget.Length == 0) bootstrap = new Bootstrap(setup.Member, setup.Founders.Count > 0 ? setup.Founders.Keys : [setup.Member.Name]);
        setup.Control.Add(ClusterVerbs.Who, OnWho);
        setup.Control.Add(ClusterVerbs.Join, OnJoin, allowsAnonymous: true);
        setup.Control.Add(ClusterVerbs.Status, OnStatus);
        setup.Control.Add(ClusterVerbs.Change, OnChange);
    }

    /// <summary>The directory as this node knows it; for all threads.</summary>
    public DirectoryView View => directory.View;

    /// <summary>Group 0, once started.</summary>
    public ReplicatedGroup Directory { get; private set; } = null!;

    /// <summary>Group 1, once started.</summary>
    public ReplicatedGroup Coordination { get; private set; } = null!;

    /// <summary>What is allowed and yet unwise about the voters now (R1.13).</summary>
    public IReadOnlyList<ClusterAdvice> Advice => ClusterAdvice.On(Directory.Status.Configuration);

    /// <summary>What the procedures under way wait for, while this node leads group 0; for an operator's status.</summary>
    public IReadOnlyDictionary<ulong, string> Waiting => runner.Waiting;

    /// <summary>Finds the cluster, waiting for the other founders as long as it takes, and begins groups 0 and 1.</summary>
    /// <exception cref="DataDirectoryUnusableException">The cluster does not take this node; the message says why.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        var known = genesis ?? (setup.JoinTarget.Length > 0 ? await JoinAsync(setup.JoinTarget, cancellation).ConfigureAwait(false) : await FoundAsync(cancellation).ConfigureAwait(false));
        setup.OnCluster(known.Cluster);
        setup.Self.BecomeMemberOf(known.Cluster);
        foreach (var member in known.Members) Enter(member);
        setup.Runtime.Open();
        Directory = await setup.Runtime.CreateGroupAsync(GroupId.Directory, directory, known.InitialConfiguration(), setup.Groups).ConfigureAwait(false);
        Coordination = await setup.Runtime.CreateGroupAsync(GroupId.Coordination, setup.Coordination, known.InitialConfiguration(), setup.Groups).ConfigureAwait(false);
        running = Task.Run(() => RunAsync(known, stopping.Token), CancellationToken.None);
    }

    /// <summary>Makes a join token and its hash known to the cluster.</summary>
    public async Task<JoinToken?> CreateTokenAsync(TimeSpan lifetime, uint usesMax, CancellationToken cancellation)
    {
        var token = JoinToken.Create(View.Cluster, Convert.FromHexString(View.AuthorityFingerprint));
        var outcome = await Directory.ProposeAsync(DirectoryCommand.AddToken(token.Hash, lifetime.Ticks / 10, usesMax), cancellation: cancellation).ConfigureAwait(false);
        return outcome is { IsApplied: true, Reply: DirectoryReply { Accepted: true } } ? token : null;
    }

    /// <summary>Begins to remove a node, this one or another; done when it is no longer in <see cref="View"/>.</summary>
    public async Task<DirectoryReply> LeaveAsync(NodeId node, CancellationToken cancellation) => await TellAsync(DirectoryCommand.RemoveNode(node), cancellation).ConfigureAwait(false);

    /// <summary>Ends what this room runs; the runtime is its owner's to stop.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task<Genesis> FoundAsync(CancellationToken cancellation)
    {
        if (setup.Founders.Count <= 1) return Persist(Genesis.Of(setup.Member, DrawCluster()));
        using var timer = new PeriodicTimer(Pulse);
        while (true)
        {
            foreach (var (name, target) in setup.Founders)
            {
                if (name == setup.Member.Name) continue;
                var reply = await ControlClient.CallAsync(target, ClusterVerbs.Who, ClusterVerbs.Encode(Asked(NodeId.None, "")), CallMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
                if (!reply.IsOk || ClusterVerbs.DecodeAnswer(reply.Payload.Span) is not { } answer) continue;
                lock (gate) bootstrap!.OnAnswer(answer);
                if (bootstrap.Phase == BootstrapPhase.JoinAsReplacement) return await JoinAsync(target, cancellation).ConfigureAwait(false);
                if (bootstrap.Phase == BootstrapPhase.Refused) throw new DataDirectoryUnusableException("the cluster exists and does not know this node: use --join with a token");
            }

            if (bootstrap!.Phase == BootstrapPhase.Form)
                lock (gate) bootstrap.OnFormed(Persist(bootstrap.Form(DrawCluster(), "", default)));
            else if (bootstrap.Phase == BootstrapPhase.Adopt) return genesis ?? Persist(bootstrap.Found!);
            if (genesis is { } formed) return formed;
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async Task<Genesis> JoinAsync(string target, CancellationToken cancellation)
    {
        JoinToken? token = null;
        if (setup.JoinToken.Length > 0 && !JoinToken.TryParse(setup.JoinToken, out token, out var fault)) throw new DataDirectoryUnusableException(fault);
        var question = ClusterVerbs.EncodeJoin(setup.Member, token is null ? default : token.Secret);
        using var timer = new PeriodicTimer(Pulse);
        while (true)
        {
            // Asked again until answered: the directory knows this incarnation by then, and says the same (S4).
            var reply = await ControlClient.CallAsync(target, ClusterVerbs.Join, question, JoinMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
            if (reply.IsOk && TryReadGenesis(reply.Payload.Span, out var joined) && (token is null || token.Cluster == joined.Cluster)) return Persist(joined);
            if (reply.Status is ControlStatus.Failed or ControlStatus.NoCertificate) throw new DataDirectoryUnusableException($"{target} does not admit this node: {reply.Fault}");
            setup.Say($"joining by {target}: {reply.Fault}");
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async Task RunAsync(Genesis known, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Pulse);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
            {
                var view = View;
                foreach (var (_, member) in view.Members) Enter(member);
                foreach (var node in view.Removed) setup.Addresses.Remove(node);
                if (!Directory.Status.IsServingLeader) continue;
                if (view.Cluster != ClusterId.None) await runner.StepAsync(cancellation).ConfigureAwait(false);
                else if (known.Origin == GenesisOrigin.Founded) await hands.ProposeAsync(DirectoryCommand.Found(known), cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }
    }

    private ValueTask<ReadOnlyMemory<byte>> OnWho(ControlRequest request, CancellationToken cancellation)
    {
        if (ClusterVerbs.DecodeAnswer(request.Payload.Span) is not { } asker) throw new ControlRefusedException("the question is not whole");
        return new(ClusterVerbs.Encode(Asked(asker.Node, asker.Name)));
    }

    private BootstrapAnswer Asked(NodeId asker, string name)
    {
        lock (gate) return genesis is null && bootstrap is not null ? bootstrap.OnAsked(asker, name) : new BootstrapAnswer(setup.Member.Node, setup.Member.Name, genesis, setup.Member);
    }

    private async ValueTask<ReadOnlyMemory<byte>> OnJoin(ControlRequest request, CancellationToken cancellation)
    {
        if (Directory is null || View.Cluster == ClusterId.None) throw new ControlRefusedException("this node is not part of a running cluster yet");
        var (member, secret) = ReadJoin(request.Payload.Span);
        if (member.Node != request.Caller) throw new ControlRefusedException("a node joins for itself only");
        var old = View.FindByName(member.Name);
        var hash = secret.Length > 0 ? JoinToken.FindHash(View, secret) ?? throw new ControlRefusedException("the join token is not known here") : "";
        if (hash.Length == 0 && (!request.IsAuthenticated || old is null)) throw new ControlRefusedException("a join token is needed");
        if (old is not null && old.Node != member.Node && await IsAliveAsync(old, cancellation).ConfigureAwait(false))
            throw new ControlRefusedException($"the name {member.Name} belongs to a node that is alive");
        var reply = await TellAsync(DirectoryCommand.AddNode(member, hash, mayReplace: old is not null), cancellation).ConfigureAwait(false);
        if (!reply.Accepted) throw new ControlRefusedException(reply.Reason);
        return new Genesis { Cluster = View.Cluster, Founder = genesis!.Founder, Members = [.. View.Members.Values], AuthorityFingerprint = View.AuthorityFingerprint, Origin = GenesisOrigin.Joined }.ToBytes();
    }

    private ValueTask<ReadOnlyMemory<byte>> OnStatus(ControlRequest request, CancellationToken cancellation)
    {
        var reader = new SpanReader(request.Payload.Span);
        var group = hands.Find(new GroupId(reader.ReadUInt64()));
        return group is null ? throw new ControlRefusedException("there is no replica of that group here") : new(ClusterVerbs.Encode(group.Status));
    }

    private async ValueTask<ReadOnlyMemory<byte>> OnChange(ControlRequest request, CancellationToken cancellation)
    {
        if (ClusterVerbs.DecodeChange(request.Payload.Span) is not { } change) throw new ControlRefusedException("the change is not whole");
        return await hands.ChangeHereAsync(change).ConfigureAwait(false) ? default(ReadOnlyMemory<byte>) : throw new ControlRefusedException("the group is not led here, or has other members by now");
    }

    private async ValueTask<bool> IsAliveAsync(MemberRecord old, CancellationToken cancellation)
    {
        var reply = await ControlClient.CallAsync(HostPort.Format(old.Host, old.Port), ClusterVerbs.Who, ClusterVerbs.Encode(Asked(NodeId.None, "")), CallMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
        return reply.Server == old.Node;
    }

    private async Task<DirectoryReply> TellAsync(byte[] command, CancellationToken cancellation)
    {
        var outcome = await Directory.ProposeAsync(command, cancellation: cancellation).ConfigureAwait(false);
        return outcome.Reply as DirectoryReply ?? DirectoryReply.No($"the directory did not decide in time ({outcome.Status}): ask again");
    }

    private Genesis Persist(Genesis formed)
    {
        GenesisFile.Write(setup.Disk, formed);
        genesis = formed;
        setup.Say($"cluster {formed.Cluster}: {formed.Origin}, {formed.Members.Length} members");
        return formed;
    }

    private void Enter(MemberRecord member)
    {
        if (member.Node != setup.Self.Id) setup.Addresses.Set(new PeerAddress(member.Node, member.Name, member.Host, member.Port));
    }

    private static (MemberRecord Member, byte[] Secret) ReadJoin(ReadOnlySpan<byte> question)
    {
        var reader = new SpanReader(question);
        var member = DirectoryCodec.ReadMember(ref reader);
        var secret = reader.ReadBlock().ToArray();
        return reader.IsWhole ? (member, secret) : throw new ControlRefusedException("the question is not whole");
    }

    private static bool TryReadGenesis(ReadOnlySpan<byte> bytes, out Genesis read)
    {
        var reader = new SpanReader(bytes);
        return Genesis.TryDecode(ref reader, out read);
    }

    private static ClusterId DrawCluster() => new(BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) | 1);
}
