using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Holdfast.Consensus;
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
    private static readonly TimeSpan InvitationLifetime = TimeSpan.FromMinutes(10);

    /// <summary>Says that what follows a recovery by hand was done, so that a later start waits for nothing.</summary>
    private static readonly OnceFile RecoveryDone = new("recovery-done", 0x44524648); // "HFRD"

    private readonly ClusterNodeSetup setup;
    private readonly ControlTrust trust;
    private readonly NodeHands hands;
    private readonly ClusterRound round;
    private readonly DirectoryState directory = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private readonly Bootstrap? bootstrap;
    private readonly MeetDesk meeting;
    private volatile Genesis? genesis;
    private Task running = Task.CompletedTask;
    private Task asking = Task.CompletedTask;

    /// <summary>A node, not yet started; adds its control verbs.</summary>
    /// <exception cref="DataDirectoryUnusableException">The data directory's genesis cannot be read.</exception>
    public ClusterNode(ClusterNodeSetup setup)
    {
        this.setup = setup;
        trust = ControlTrust.Of(setup.Tls);
        var seat = new NodeSeat(setup, trust);
        round = new ClusterRound(seat, () => View);
        hands = round.Hands;
        Lines = new NodeLines(node => View.Members.TryGetValue(node, out var member) ? HostPort.Format(member.Host, member.Port) : null, trust, setup.Self);
        genesis = GenesisFile.Read(setup.Disk);
        if (genesis is null && setup.JoinTarget.Length == 0) bootstrap = new Bootstrap(setup.Member, setup.Founders.Count > 0 ? setup.Founders.Keys : [setup.Member.Name]);
        var desk = new JoinDesk(seat, setup.Tls is { } tls ? new JoinSigning(setup, tls, seat, () => View) : null, () => View, () => genesis, command => TellAsync(command, stopping.Token));
        setup.Control.Add(ClusterVerbs.Who, OnWho);
        setup.Control.Add(ClusterVerbs.Join, desk.OnJoin, allowsAnonymous: true);
        setup.Control.Add(ClusterVerbs.Sign, desk.OnSign);
        setup.Control.Add(ClusterVerbs.Status, OnStatus);
        setup.Control.Add(ClusterVerbs.Change, OnChange);
        setup.Control.Add(ClusterVerbs.Level, OnLevel);
        meeting = new MeetDesk(setup, trust, NewAlone, node => View.Removed.Contains(node), InviteAsync);
        meeting.Begin(genesis);
        setup.Control.Add(ClusterVerbs.Meet, meeting.OnMeet);
    }

    /// <summary>The directory as this node knows it; for all threads.</summary>
    public DirectoryView View => directory.View;

    /// <summary>Asks other members, on lines that are kept; for faces whose questions are not rare.</summary>
    public NodeLines Lines { get; }

    /// <summary>Group 0, once started.</summary>
    public ReplicatedGroup Directory { get; private set; } = null!;

    /// <summary>Group 1, once started.</summary>
    public ReplicatedGroup Coordination { get; private set; } = null!;

    /// <summary>What this node's cluster began with, once started.</summary>
    public Genesis Identity => genesis!;

    /// <summary>What is allowed and yet unwise about the voters now (R1.13).</summary>
    public IReadOnlyList<ClusterAdvice> Advice => ClusterAdvice.On(Directory.Status.Configuration);

    /// <summary>What the procedures under way wait for, while this node leads group 0; for an operator's status.</summary>
    public IReadOnlyDictionary<ulong, string> Waiting => round.Waiting;

    /// <summary>Finds the cluster, waiting for the other founders as long as it takes, and begins groups 0 and 1.</summary>
    /// <exception cref="DataDirectoryUnusableException">The cluster does not take this node; the message says why.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        asking = Task.Run(() => meeting.RunAsync(stopping.Token), CancellationToken.None);
        var known = genesis ?? (meeting.IsAwaited ? await UntilMetAsync(cancellation).ConfigureAwait(false) : setup.JoinTarget.Length > 0 ? Persist(await new Joiner(setup, trust).JoinAsync(setup.JoinTarget, cancellation).ConfigureAwait(false)) : await FoundAsync(cancellation).ConfigureAwait(false));
        meeting.OnMember(known.Cluster);
        if (setup.JoinToken.Length > 0 && JoinToken.TryParse(setup.JoinToken, out var token, out _) && token.Cluster != known.Cluster)
            throw new DataDirectoryUnusableException($"this data directory belongs to cluster {known.Cluster}, and the join token to {token.Cluster}: give --data an empty directory to join the other cluster, or leave the token out");
        setup.OnCluster(known.Cluster);
        setup.Self.BecomeMemberOf(known.Cluster);
        foreach (var member in known.Members.Concat(AddressBookFile.Read(setup.Disk))) Enter(member);
        LogCheck.BeforeOpening(setup.Disk);
        setup.Runtime.Open(found => LogCheck.Judge(found, setup.Self.Id, setup.Groups.FeatureLevelKnown));
        LogCheck.NoteBegun(setup.Disk);
        foreach (var finding in setup.Runtime.Recovery!.Findings) setup.Warn(finding);
        Directory = await setup.Runtime.CreateGroupAsync(GroupId.Directory, directory, known.InitialConfiguration(), setup.Groups).ConfigureAwait(false);
        Coordination = await setup.Runtime.CreateGroupAsync(GroupId.Coordination, setup.Coordination, known.InitialConfiguration(), setup.Groups).ConfigureAwait(false);
        if (known.Origin != GenesisOrigin.Recovered) Begin(known);
    }

    /// <summary>
    /// After a recovery by hand, at the first start: <paramref name="skip"/> leaves out the revisions that lost nodes may have given, then the directory becomes the new cluster's (S12). In this order,
    /// so that a crash in between leaves out more and never fewer. At every other start nothing happens. Call it before clients are served.
    /// </summary>
    public async Task FinishRecoveryAsync(Func<CancellationToken, Task> skip, CancellationToken cancellation)
    {
        if (genesis is not { Origin: GenesisOrigin.Recovered } known) return;
        using var timer = new PeriodicTimer(Pulse);
        while (!RecoveryDone.IsThere(setup.Disk) && View.Cluster != known.Cluster)
        {
            if (Directory.Status.IsServingLeader && Coordination.Status.IsServingLeader)
            {
                await skip(cancellation).ConfigureAwait(false);
                setup.Say($"recovered by hand: cluster {View.Cluster} continues as {known.Cluster}; its old members are fenced off");
                await hands.ProposeAsync(DirectoryCommand.Recover(known with { Members = [setup.Member] }), cancellation).ConfigureAwait(false);
            }
            else
            {
                await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
            }
        }

        RecoveryDone.Write(setup.Disk);
        Begin(known);
    }

    /// <summary>Makes a join token and its hash known to the cluster.</summary>
    public async Task<JoinToken?> CreateTokenAsync(TimeSpan lifetime, uint usesMax, CancellationToken cancellation)
    {
        var token = JoinToken.Create(View.Cluster, setup.Tls is { IsVerified: true } tls ? SHA256.HashData(tls.Authority) : []);
        var outcome = await Directory.ProposeAsync(DirectoryCommand.AddToken(token.Hash, lifetime.Ticks / 10, usesMax), cancellation: cancellation).ConfigureAwait(false);
        return outcome is { IsApplied: true, Reply: DirectoryReply { Accepted: true } } ? token : null;
    }

    /// <summary>Creates a data group on the nodes that the planner chooses; the reply's id is the group's. Its replicas begin by themselves.</summary>
    /// <param name="face">What it carries.</param>
    /// <param name="replicas">How many voters, witnesses included; odd.</param>
    /// <param name="cancellation">Ends the wait for the directory.</param>
    public async Task<DirectoryReply> CreateGroupAsync(string face, int replicas, CancellationToken cancellation)
    {
        var (places, refusal) = NewGroup.Plan(View, face, replicas);
        return refusal.Length > 0 ? DirectoryReply.No(refusal) : await TellAsync(DirectoryCommand.CreateGroup(face, places), cancellation).ConfigureAwait(false);
    }

    /// <summary>Creates a data group on these nodes; the reply's id is the group's.</summary>
    public Task<DirectoryReply> CreateGroupAsync(string face, ImmutableArray<NodeId> nodes, CancellationToken cancellation) =>
        TellAsync(DirectoryCommand.CreateGroup(face, [.. nodes.Select(node => new ReplicaPlace(node, MemberRole.Voter))]), cancellation);

    /// <summary>Sets a setting of the whole cluster if it has the value that the asker knows; an empty one is none. Refused when it has another.</summary>
    public Task<DirectoryReply> CompareSettingAsync(string key, string known, string value, CancellationToken cancellation) => TellAsync(DirectoryCommand.CompareSetting(key, known, value), cancellation);

    /// <summary>Says where a data group's replicas should be; the group's leader is then asked, step by step, to make it so.</summary>
    public async Task<DirectoryReply> PlaceGroupAsync(GroupId group, ImmutableArray<ReplicaPlace> replicas, CancellationToken cancellation)
    {
        // A witness's log lacks payloads, and a state is not forgotten: neither becomes the other in the same place.
        if (View.Groups.TryGetValue(group, out var known))
            foreach (var place in replicas)
                if (known.Replicas.Any(before => before.Node == place.Node && (before.Role == MemberRole.Witness) != (place.Role == MemberRole.Witness)))
                    return DirectoryReply.No($"node {place.Node} is a {(place.Role == MemberRole.Witness ? "replica with a state" : "witness")} of group {group}: move it away first, and give its place to another node");
        return await TellAsync(DirectoryCommand.PlaceGroup(group, replicas), cancellation).ConfigureAwait(false);
    }

    /// <summary>Deletes a data group for good: every node deletes its replica when it has seen the tombstone (S6).</summary>
    public Task<DirectoryReply> DeleteGroupAsync(GroupId group, CancellationToken cancellation) => TellAsync(DirectoryCommand.DeleteGroup(group), cancellation);

    /// <summary>Sets a setting of the whole cluster; an empty value removes it.</summary>
    /// <param name="key">Its name; a face's begin with the face's.</param>
    /// <param name="value">What it is to be.</param>
    /// <param name="once">Whether it may only be set while nobody has: then the reply refuses whoever comes second.</param>
    /// <param name="cancellation">Ends the wait for the directory.</param>
    public Task<DirectoryReply> SetSettingAsync(string key, string value, bool once, CancellationToken cancellation) =>
        TellAsync(once ? DirectoryCommand.CompareSetting(key, "", value) : DirectoryCommand.SetSetting(key, value), cancellation);

    /// <summary>Begins to move a part of a data group's content to another group of its face; the reply's id is the procedure's, which the source's leader drives.</summary>
    public Task<DirectoryReply> BeginMoveAsync(GroupId source, GroupId target, string part, CancellationToken cancellation) => TellAsync(DirectoryCommand.BeginMove(source, target, part), cancellation);

    /// <summary>Asks that a move be given up, if it still can be.</summary>
    public Task<DirectoryReply> CancelMoveAsync(ulong procedure, CancellationToken cancellation) => TellAsync(DirectoryCommand.CancelMove(procedure), cancellation);

    /// <summary>Says that a move is over.</summary>
    public Task<DirectoryReply> FinishMoveAsync(ulong procedure, bool isDone, string note, CancellationToken cancellation) => TellAsync(DirectoryCommand.FinishProcedure(procedure, isDone, note), cancellation);

    /// <summary>A control call to another member, for what a face asks of its like. Never throws for what the network or the other node does.</summary>
    public ValueTask<ControlReply> CallAsync(NodeId node, ushort verb, byte[] question, CancellationToken cancellation) => hands.CallAsync(node, verb, question, cancellation);

    /// <summary>
    /// The feature level that the cluster's groups have or will have soon, by what the directory says of all members' programs (S5): what needs more has to wait for the upgrade to be finished.
    /// </summary>
    public uint FeatureLevelAhead => FeatureGate.Target(View, Directory.Status.FeatureLevel, setup.Groups.FeatureLevelKnown);

    /// <summary>What a group's leader says about it, wherever it is; null when nobody is reached.</summary>
    public ValueTask<GroupSighting?> SightAsync(GroupId group, CancellationToken cancellation) => hands.SightAsync(group, cancellation);

    /// <summary>What a member's replica of a group says of itself; null when it has none, or does not answer.</summary>
    public ValueTask<ReplicaReport?> ReportOfAsync(NodeId node, GroupId group, CancellationToken cancellation) => hands.AskAsync(node, group, cancellation);

    /// <summary>This node's replica of a group; null when it has none.</summary>
    public ReplicatedGroup? FindGroup(GroupId group) => hands.Find(group);

    /// <summary>Begins to remove a node, this one or another; done when it is no longer in <see cref="View"/>.</summary>
    public async Task<DirectoryReply> LeaveAsync(NodeId node, CancellationToken cancellation) => await TellAsync(DirectoryCommand.RemoveNode(node), cancellation).ConfigureAwait(false);

    /// <summary>Whether places are kept: not in a cluster whose certificates prove more than an address.</summary>
    public bool KeepsPlaces => setup.Tls is not { IsVerified: true };

    /// <summary>Keeps a place for one node, where <see cref="KeepsPlaces"/>; false when the directory did not decide in time.</summary>
    public ValueTask<bool> ReserveAsync(ReservedPlace place, CancellationToken cancellation) => KeepsPlaces ? TellAllAsync(place.Reserve(), cancellation) : new(false);

    /// <summary>Gives a kept place up.</summary>
    public ValueTask<bool> GiveUpAsync(ReservedPlace place, CancellationToken cancellation) => TellAllAsync(place.GiveUp(), cancellation);

    /// <summary>Keeps a place at another address, under the id that it has; false when the directory did not decide in time.</summary>
    public ValueTask<bool> MoveAsync(ReservedPlace place, string address, CancellationToken cancellation) => TellAllAsync(place.MoveTo(address), cancellation);

    /// <summary>Says anew where a member is; false when the directory did not take it.</summary>
    public ValueTask<bool> UpdateAsync(MemberRecord member, CancellationToken cancellation) => TellAllAsync(View.Members.TryGetValue(member.Node, out var known) ? ReservedPlace.Move(View, known, member) : [DirectoryCommand.UpdateMember(member)], cancellation);

    /// <summary>
    /// Has a member vote that a learner's place holds back. Nothing is changed unless it has caught up in both groups that every node carries, and there is room for one more voter: false then. When it returns true
    /// the member votes, or will as soon as whoever leads group 0 has come to it.
    /// </summary>
    public async ValueTask<bool> TryPromoteAsync(MemberRecord member, CancellationToken cancellation)
    {
        foreach (var group in (GroupId[])[GroupId.Directory, GroupId.Coordination])
        {
            if (await hands.SightAsync(group, cancellation).ConfigureAwait(false) is not { } sighting || !sighting.CaughtUp.Contains(member.Node)) return false;
            if (sighting.Configuration.Members.ToArray().Count(static one => one.CountsForQuorum) >= Genesis.VotersMax) return false;
        }

        return await TellAllAsync([ReservedPlace.Promote(member)], cancellation).ConfigureAwait(false);
    }

    /// <summary>Whether this node has no cluster yet, and waits to be told to meet others: it has no user data in any face (S23).</summary>
    public bool IsAlone => genesis is null && meeting.IsAwaited;

    /// <summary>What a face noted while the node was alone, until <see cref="ClearNote"/>.</summary>
    public ReadOnlyMemory<byte> Note => meeting.Note;

    /// <summary>Notes something for the time when the node has found to a cluster; durable when this returns. False when it is not alone any more.</summary>
    public bool TryNote(byte[] note) => meeting.TryNote(note);

    /// <summary>What was noted is done.</summary>
    public void ClearNote() => meeting.ClearNote();

    /// <summary>Founds a cluster of this node alone, if it still is; false when it has promised to join another.</summary>
    public bool TryFoundAlone() => meeting.TryFound();

    /// <summary>This node shall meet another: whichever of the two is alone joins the other; of two that are alone the one that was named founds. Returns why that cannot be, or null: it goes on by itself then.</summary>
    /// <param name="target">"host:port" of the other's peer port.</param>
    /// <param name="cancellation">Ends the wait for the other's first answer.</param>
    public Task<string?> MeetAsync(string target, CancellationToken cancellation) => meeting.MeetAsync(target, cancellation);

    /// <summary>Whether this node was removed from its cluster for good, by the word of a member: its own directory may never hear of it.</summary>
    public Task<bool> WasRemovedAsync(CancellationToken cancellation) =>
        meeting.WasRemovedAsync(View.Members.Values.Where(member => member.Node != setup.Self.Id).Select(member => HostPort.Format(member.Host, member.Port)), cancellation);

    /// <summary>Ends what this room runs; the runtime is its owner's to stop.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await asking.ConfigureAwait(false);
        await running.ConfigureAwait(false);
        await Lines.DisposeAsync().ConfigureAwait(false);
        stopping.Dispose();
    }

    /// <summary>Waits as long as it takes, then is a cluster alone, or joins the one that it has promised to join: that one for good, because it may have been admitted there already.</summary>
    private async Task<Genesis> UntilMetAsync(CancellationToken cancellation)
    {
        setup.Say("this node is alone and empty: it waits to be told to meet others (CLUSTER MEET), or that it has slots (CLUSTER ADDSLOTS)");
        var end = await meeting.Decided.WaitAsync(cancellation).ConfigureAwait(false);
        if (end.Founded is { } founded)
        {
            setup.Say($"cluster {founded.Cluster}: founded by this node alone");
            return genesis = founded;
        }

        using var timer = new PeriodicTimer(Pulse * 5);
        for (var pledge = end.Pledged; ; pledge = await meeting.RenewAsync(cancellation).ConfigureAwait(false))
        {
            try
            {
                return Persist(await new Joiner(setup with { JoinToken = pledge.Token }, trust).JoinAsync(pledge.Target, cancellation).ConfigureAwait(false));
            }
            catch (DataDirectoryUnusableException refused)
            {
                setup.Warn($"{refused.Message}. This node has promised to join cluster {pledge.Pledge} and asks again; it holds no data, so that an empty data directory lets it go elsewhere");
            }

            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    private Genesis NewAlone()
    {
        var authority = setup.Tls?.Authority ?? [];
        var fingerprint = authority.Length > 0 ? Convert.ToHexStringLower(SHA256.HashData(authority)) : "";
        return Genesis.Of(setup.Member, DrawCluster()) with { AuthorityFingerprint = fingerprint, AuthorityCertificate = [.. authority] };
    }

    /// <summary>A token for a node that was told to meet this one, or this one to meet it.</summary>
    private async Task<string?> InviteAsync(CancellationToken cancellation) =>
        Directory is null || View.Cluster == ClusterId.None ? null : (await CreateTokenAsync(InvitationLifetime, 1, cancellation).ConfigureAwait(false))?.ToString();

    private async Task<Genesis> FoundAsync(CancellationToken cancellation)
    {
        if (setup.Founders.Count <= 1) return Persist(NewAlone());
        var authority = setup.Tls?.Authority ?? [];
        var fingerprint = authority.Length > 0 ? Convert.ToHexStringLower(SHA256.HashData(authority)) : "";
        var silent = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using var timer = new PeriodicTimer(Pulse);
        while (true)
        {
            foreach (var (name, target) in setup.Founders)
            {
                if (name == setup.Member.Name) continue;
                var reply = await ControlClient.CallAsync(target, ClusterVerbs.Who, ClusterVerbs.Encode(Asked(NodeId.None, "")), CallMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
                if (!reply.IsOk || ClusterVerbs.DecodeAnswer(reply.Payload.Span) is not { } answer)
                {
                    if (silent.GetValueOrDefault(name) != reply.Fault) setup.Say($"{name} at {target} does not answer yet: {silent[name] = reply.Fault}");
                    continue;
                }

                lock (gate) bootstrap!.OnAnswer(answer);
                if (bootstrap.Phase == BootstrapPhase.JoinAsReplacement) return Persist(await new Joiner(setup, trust).JoinAsync(target, cancellation).ConfigureAwait(false));
                if (bootstrap.Phase == BootstrapPhase.Refused) throw new DataDirectoryUnusableException("the cluster exists and does not know this node: use --join with a token");
            }

            if (bootstrap!.Phase == BootstrapPhase.Form)
                lock (gate) bootstrap.OnFormed(Persist(bootstrap.Form(DrawCluster(), fingerprint, authority)));
            else if (bootstrap.Phase == BootstrapPhase.Adopt) return genesis ?? Persist(bootstrap.Found!);
            if (genesis is { } formed) return formed;
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    private void Begin(Genesis known) => running = Task.Run(() => RunAsync(known, stopping.Token), CancellationToken.None);

    private async Task RunAsync(Genesis known, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Pulse);
        var book = new AddressBook(setup.Disk, setup.Warn);
        var introduction = new Introduction(setup, trust);
        var rolls = new RollWatch(node => setup.Addresses.TryGet(node, out var member) ? member.Name : $"node {node}", setup.Warn);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
            {
                var view = View;
                foreach (var group in setup.Runtime.Groups) rolls.Look(group.Status);
                book.Keep(view.Members); // Before the groups depend on a newcomer: after a restart it is found without the directory.
                foreach (var (_, member) in view.Members) Enter(member);
                foreach (var node in view.Removed) setup.Addresses.Remove(node);
                introduction.Look(view.Members.Values, () => ClusterVerbs.Encode(Asked(NodeId.None, "")), cancellation);
                await round.StepAsync(view, known, cancellation).ConfigureAwait(false);
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

        // A node of this cluster that we do not know yet: it is dialled from now on, and refused for good if it was removed.
        if (genesis is { } own && asker.Genesis is { } its && its.Cluster == own.Cluster && !setup.Addresses.TryGet(asker.Node, out _)) Enter(asker.Member);
        return new(ClusterVerbs.Encode(Asked(asker.Node, asker.Name)));
    }

    private BootstrapAnswer Asked(NodeId asker, string name)
    {
        lock (gate) return genesis is null && bootstrap is not null ? bootstrap.OnAsked(asker, name) : new BootstrapAnswer(setup.Member.Node, setup.Member.Name, genesis, setup.Member);
    }

    private ValueTask<ReadOnlyMemory<byte>> OnStatus(ControlRequest request, CancellationToken cancellation) => new(hands.AnswerStatus(request.Payload.Span));

    /// <summary>Which feature levels this node's program knows, as it runs now.</summary>
    private ValueTask<ReadOnlyMemory<byte>> OnLevel(ControlRequest request, CancellationToken cancellation) => new(ClusterVerbs.EncodeLevel(setup.Groups.FeatureLevelKnown));

    private async ValueTask<ReadOnlyMemory<byte>> OnChange(ControlRequest request, CancellationToken cancellation)
    {
        await hands.AnswerChangeAsync(request.Payload).ConfigureAwait(false);
        return default;
    }

    private async Task<DirectoryReply> TellAsync(byte[] command, CancellationToken cancellation)
    {
        var outcome = await Directory.ProposeAsync(command, cancellation: cancellation).ConfigureAwait(false);
        return outcome.Reply as DirectoryReply ?? DirectoryReply.Undecided($"the directory did not decide in time ({outcome.Status}): ask again");
    }

    private async ValueTask<bool> TellAllAsync(IReadOnlyList<byte[]> commands, CancellationToken cancellation)
    {
        foreach (var command in commands)
            if (!(await TellAsync(command, cancellation).ConfigureAwait(false)).Accepted) return false;
        return true;
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

    private static ClusterId DrawCluster() => new(BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) | 1);
}
