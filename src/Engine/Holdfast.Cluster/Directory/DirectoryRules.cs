using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>What each command does to the directory: pure functions from a view to the next one. A refused command leaves the view as it was.</summary>
internal static class DirectoryRules
{
    public const int SettingsMax = 4096;
    public const int GroupsMax = 65536;
    public const int TokensMax = 1024;
    public const int EndedProceduresKept = 64;
    internal const int RunningProceduresMax = 64;

    private static readonly Mark NameTaken = new("cluster: a node was refused because its name is taken", elsewhere: "DirectoryTests: simulated joiners take names that are theirs");
    private static readonly Mark TooOldBinary = new("cluster: a node was refused because its binary is too old", elsewhere: "DirectoryTests: simulated joiners run one program");
    private static readonly Mark WipedAgain = new("cluster: a replacement was wiped before it had arrived");
    private static readonly Mark PlacedMeanwhile = new("cluster: a procedure did not end because a group was placed on the node that leaves", elsewhere: "DirectoryTests: a runner knows the directory that it speaks to");
    private static readonly Mark AddCancelled = new("cluster: an addition was cancelled by a removal");

    public static DirectoryReply Execute(DirectoryView view, DirectoryCommandKind kind, ref SpanReader reader, long timeMicros, uint featureLevel, out DirectoryView after)
    {
        after = view;
        switch (kind)
        {
            case DirectoryCommandKind.Found: return Found(view, ref reader, ref after);
            case DirectoryCommandKind.Recover: return Recover(view, ref reader, ref after);
            case DirectoryCommandKind.DeleteGroup: return DeleteGroup(view, ref reader, ref after);
            case DirectoryCommandKind.UpdateMember: return UpdateMember(view, ref reader, ref after);
            case DirectoryCommandKind.SetSetting: return SetSetting(view, ref reader, ref after);
            case DirectoryCommandKind.CompareSetting: return CompareSetting(view, ref reader, ref after);
            case DirectoryCommandKind.AddToken: return AddToken(view, ref reader, timeMicros, ref after);
            case DirectoryCommandKind.RevokeToken: return RevokeToken(view, ref reader, ref after);
            case DirectoryCommandKind.AddNode: return AddNode(view, ref reader, timeMicros, featureLevel, ref after);
            case DirectoryCommandKind.RemoveNode: return RemoveNode(view, ref reader, ref after);
            case DirectoryCommandKind.PlaceGroup: return PlaceGroup(view, ref reader, ref after);
            case DirectoryCommandKind.FinishProcedure: return FinishProcedure(view, ref reader, ref after);
            case DirectoryCommandKind.CreateGroup: return CreateGroup(view, ref reader, ref after);
            case DirectoryCommandKind.BeginMove: return MoveRules.Begin(view, ref reader, ref after);
            case DirectoryCommandKind.CancelMove: return MoveRules.Cancel(view, ref reader, ref after);
            default: return DirectoryReply.No("the command is of a kind that this binary does not know");
        }
    }

    private static DirectoryReply Found(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        if (!Genesis.TryDecode(ref reader, out var genesis)) return Malformed;
        if (view.Cluster == genesis.Cluster) return DirectoryReply.Yes();
        if (view.Cluster != ClusterId.None) return DirectoryReply.No("the cluster is founded already");
        var members = view.Members.ToBuilder();
        foreach (var member in genesis.Members) members[member.Node] = member;
        after = view with { Cluster = genesis.Cluster, Members = members.ToImmutable(), AuthorityFingerprint = genesis.AuthorityFingerprint };
        return DirectoryReply.Yes();
    }

    private static DirectoryReply Recover(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        if (!Genesis.TryDecode(ref reader, out var genesis)) return Malformed;
        if (genesis.Origin != GenesisOrigin.Recovered || genesis.Members.Length == 0) return DirectoryReply.No("a cluster is recovered from a recovered genesis only");
        if (view.Cluster == genesis.Cluster) return DirectoryReply.Yes();
        var next = view;
        foreach (var (_, procedure) in view.Procedures)
            if (procedure.State == ProcedureState.Running) next = Ended(next, procedure, ProcedureState.Failed, "the cluster was recovered by hand");
        ImmutableArray<ReplicaPlace> here = [new ReplicaPlace(genesis.Founder, MemberRole.Voter)];
        after = next with
        {
            Cluster = genesis.Cluster,
            AuthorityFingerprint = genesis.AuthorityFingerprint,
            Members = genesis.Members.ToImmutableSortedDictionary(member => member.Node, member => member),
            Removed = view.Removed.Union(view.Members.Keys),
            Tokens = view.Tokens.Clear(),
            Groups = view.Groups.ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value with { Replicas = here }),
        };
        return DirectoryReply.Yes();
    }

    private static DirectoryReply DeleteGroup(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var group = new GroupId(reader.ReadUInt64());
        if (!reader.IsWhole) return Malformed;
        if (!view.Groups.ContainsKey(group))
            return group.Value > GroupId.Coordination.Value && group.Value < view.NextGroup ? DirectoryReply.Yes() : DirectoryReply.No($"there is no data group {group}");
        after = view with { Groups = view.Groups.Remove(group), Tombstones = view.Tombstones.Add(group) };
        return DirectoryReply.Yes(group.Value);
    }

    private static DirectoryReply UpdateMember(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var member = DirectoryCodec.ReadMember(ref reader);
        if (!reader.IsWhole) return Malformed;
        if (!view.Members.TryGetValue(member.Node, out var known)) return DirectoryReply.No($"node {member.Node} is not a member");
        if (known.Name != member.Name) return DirectoryReply.No($"node {member.Node} is called {known.Name}, and names do not change");
        if (IsSame(known, member)) return DirectoryReply.Yes();
        after = view with { Members = view.Members.SetItem(member.Node, member) };
        return DirectoryReply.Yes();
    }

    /// <summary>Asked again after its answer was lost, it finds the value that it wanted and is done.</summary>
    private static DirectoryReply CompareSetting(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var key = reader.ReadText();
        var known = reader.ReadText();
        var value = reader.ReadText();
        if (!reader.IsWhole || key.Length == 0) return Malformed;
        var now = view.Settings.GetValueOrDefault(key, "");
        if (now != known && now != value) return DirectoryReply.No($"the setting {key} has been changed meanwhile");
        return SetSetting(view, key, value, ref after);
    }

    private static DirectoryReply SetSetting(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var key = reader.ReadText();
        var value = reader.ReadText();
        return reader.IsWhole && key.Length > 0 ? SetSetting(view, key, value, ref after) : Malformed;
    }

    private static DirectoryReply SetSetting(DirectoryView view, string key, string value, ref DirectoryView after)
    {
        if (value.Length == 0)
        {
            if (view.Settings.ContainsKey(key)) after = view with { Settings = view.Settings.Remove(key) };
            return DirectoryReply.Yes();
        }

        if (view.Settings.Count >= SettingsMax && !view.Settings.ContainsKey(key)) return DirectoryReply.No($"there are {SettingsMax} settings already");
        if (view.Settings.TryGetValue(key, out var before) && before == value) return DirectoryReply.Yes();
        after = view with { Settings = view.Settings.SetItem(key, value) };
        return DirectoryReply.Yes();
    }

    private static DirectoryReply AddToken(DirectoryView view, ref SpanReader reader, long timeMicros, ref DirectoryView after)
    {
        var hash = reader.ReadText();
        var lifetime = (long)reader.ReadUInt64();
        var uses = reader.ReadUInt32();
        if (!reader.IsWhole || hash.Length != 64 || lifetime <= 0 || uses == 0) return Malformed;
        var tokens = view.Tokens.ToBuilder();
        foreach (var (known, token) in view.Tokens)
            if (token.ExpiresMicros <= timeMicros) tokens.Remove(known);
        if (tokens.Count >= TokensMax) return DirectoryReply.No($"{TokensMax} join tokens are open: revoke some");
        tokens[hash] = new TokenRecord(checked(timeMicros + Math.Min(lifetime, long.MaxValue / 4)), uses, NodeId.None);
        after = view with { Tokens = tokens.ToImmutable() };
        return DirectoryReply.Yes();
    }

    private static DirectoryReply RevokeToken(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var hash = reader.ReadText();
        if (!reader.IsWhole) return Malformed;
        if (view.Tokens.ContainsKey(hash)) after = view with { Tokens = view.Tokens.Remove(hash) };
        return DirectoryReply.Yes();
    }

    private static DirectoryReply AddNode(DirectoryView view, ref SpanReader reader, long timeMicros, uint featureLevel, ref DirectoryView after)
    {
        var member = DirectoryCodec.ReadMember(ref reader);
        var tokenHash = reader.ReadText();
        var mayReplace = reader.ReadFlag();
        if (!reader.IsWhole || member.Node == NodeId.None || member.Name.Length == 0) return Malformed;

        TokenRecord? token = null;
        if (tokenHash.Length > 0 && !view.Tokens.TryGetValue(tokenHash, out token)) return DirectoryReply.No("the join token is not known; it may have been revoked");
        if (token is not null && token.ExpiresMicros <= timeMicros) return DirectoryReply.No("the join token has expired");
        if (view.Removed.Contains(member.Node)) return DirectoryReply.No($"node {member.Node} was removed for good: start it with an empty data directory to draw a new identity (S4)");
        if (view.Members.ContainsKey(member.Node))
        {
            // An answer that was lost is asked for again by the same incarnation.
            if (token is not null && token.LastUser != member.Node) return DirectoryReply.No("the node is a member already");
            return DirectoryReply.Yes(view.RunningAbout(member.Node)?.Id ?? 0);
        }

        if (token is { UsesLeft: 0 }) return DirectoryReply.No("the join token is used up");
        if (member.FeatureLevelMax < featureLevel || member.FeatureLevelMin > featureLevel)
        {
            TooOldBinary.Hit();
            return DirectoryReply.No($"the node's binary knows feature levels {member.FeatureLevelMin} to {member.FeatureLevelMax}, the cluster is at {featureLevel} (S5)");
        }

        var old = view.FindByName(member.Name);
        if (old is not null && !mayReplace)
        {
            NameTaken.Hit();
            return DirectoryReply.No($"the name {member.Name} belongs to node {old.Node}: choose another name, or remove that node first");
        }

        if (view.Members.Count >= DirectoryView.MembersMax) return DirectoryReply.No($"the cluster has {DirectoryView.MembersMax} members already");
        if (CountRunning(view) >= RunningProceduresMax) return DirectoryReply.No("too many membership changes are under way");
        var next = view;
        var replaces = old?.Node ?? NodeId.None;
        if (old is not null && view.RunningAbout(old.Node) is { Kind: not ProcedureKind.RemoveNode } unfinished)
        {
            // Wiped again before it had arrived: the newcomer takes over what that one was to take over, and what that one has taken over already; the groups drop that one because it is removed.
            WipedAgain.Hit();
            replaces = unfinished.Replaces;
            next = Ended(next, unfinished, ProcedureState.Failed, "the node was wiped again meanwhile") with
            {
                Members = next.Members.Remove(old.Node),
                Removed = next.Removed.Add(old.Node),
                Groups = next.Groups.ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value with { Replicas = [.. pair.Value.Replicas.Select(place => place.Node == old.Node ? place with { Node = member.Node } : place)] }),
            };
        }

        var kind = replaces == NodeId.None ? ProcedureKind.AddNode : ProcedureKind.ReplaceIncarnation;
        after = Begin(next, kind, member.Node, replaces) with { Members = next.Members.Add(member.Node, member) };
        if (token is not null) after = after with { Tokens = view.Tokens.SetItem(tokenHash, token with { UsesLeft = token.UsesLeft - 1, LastUser = member.Node }) };
        return DirectoryReply.Yes(view.NextProcedure);
    }

    private static DirectoryReply RemoveNode(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var node = new NodeId(reader.ReadUInt64());
        if (!reader.IsWhole) return Malformed;
        if (view.Removed.Contains(node)) return DirectoryReply.Yes();
        if (!view.Members.ContainsKey(node)) return DirectoryReply.No($"node {node} is not a member");
        if (view.IsBeingReplaced(node)) return DirectoryReply.No($"node {node} is being replaced, and leaves with that");
        if (StayingMembers(view) <= 1) return DirectoryReply.No("the last member cannot leave: stop the process instead");
        var running = view.RunningAbout(node);
        if (running?.Kind == ProcedureKind.RemoveNode) return DirectoryReply.Yes(running.Id);
        if (CountRunning(view) >= RunningProceduresMax) return DirectoryReply.No("too many membership changes are under way");
        var next = view;
        if (running is not null)
        {
            if (running.Kind == ProcedureKind.ReplaceIncarnation) return DirectoryReply.No($"node {node} is taking another's place: wait for it, or replace it in turn");
            AddCancelled.Hit();
            next = Ended(next, running, ProcedureState.Failed, "the node was removed meanwhile");
        }

        after = Begin(next, ProcedureKind.RemoveNode, node, NodeId.None);
        return DirectoryReply.Yes(view.NextProcedure);
    }

    private static DirectoryReply PlaceGroup(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var group = new GroupId(reader.ReadUInt64());
        var replicas = DirectoryCodec.ReadPlaces(ref reader);
        if (!reader.IsWhole) return Malformed;
        if (!view.Groups.TryGetValue(group, out var known)) return DirectoryReply.No($"there is no data group {group}");
        if (Fault(view, replicas, known.Replicas) is { } fault) return DirectoryReply.No(fault);
        if (known.Replicas.AsSpan().SequenceEqual(replicas.AsSpan())) return DirectoryReply.Yes(group.Value);
        after = view with { Groups = view.Groups.SetItem(group, known with { Replicas = replicas }) };
        return DirectoryReply.Yes(group.Value);
    }

    private static DirectoryReply CreateGroup(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var face = reader.ReadText();
        var replicas = DirectoryCodec.ReadPlaces(ref reader);
        if (!reader.IsWhole || face.Length == 0) return Malformed;
        if (view.Groups.Count >= GroupsMax) return DirectoryReply.No($"there are {GroupsMax} groups already");
        if (Fault(view, replicas, []) is { } fault) return DirectoryReply.No(fault);
        var id = new GroupId(view.NextGroup);
        after = view with { Groups = view.Groups.Add(id, new GroupRecord(id, face, replicas) { Founders = replicas }), NextGroup = view.NextGroup + 1 };
        return DirectoryReply.Yes(id.Value);
    }

    private static DirectoryReply FinishProcedure(DirectoryView view, ref SpanReader reader, ref DirectoryView after)
    {
        var id = reader.ReadUInt64();
        var isDone = reader.ReadFlag();
        var note = reader.ReadText();
        if (!reader.IsWhole) return Malformed;
        if (!view.Procedures.TryGetValue(id, out var procedure)) return DirectoryReply.No($"there is no procedure {id}");
        if (procedure.State != ProcedureState.Running) return DirectoryReply.Yes(id);
        var gone = procedure.Kind == ProcedureKind.RemoveNode ? procedure.Subject : procedure.Replaces;
        if (isDone && view.Groups.Values.Any(group => group.Replicas.Any(place => place.Node == gone)))
        {
            PlacedMeanwhile.Hit();
            return DirectoryReply.No($"a group is still placed on node {gone}");
        }

        // A failed addition takes its newcomer out again; a failed replacement too, and leaves the old incarnation's record as it was.
        if (!isDone) gone = procedure.Kind == ProcedureKind.RemoveNode ? NodeId.None : procedure.Subject;
        var next = Ended(view, procedure, isDone ? ProcedureState.Done : ProcedureState.Failed, note);
        if (gone != NodeId.None) next = next with { Members = next.Members.Remove(gone), Removed = next.Removed.Add(gone) };
        after = WithoutOldest(next);
        return DirectoryReply.Yes(id);
    }

    private static string? Fault(DirectoryView view, ImmutableArray<ReplicaPlace> replicas, ImmutableArray<ReplicaPlace> before)
    {
        var voters = 0;
        for (var i = 0; i < replicas.Length; i++)
        {
            var node = replicas[i].Node;
            if (!view.Members.ContainsKey(node)) return $"node {node} is not a member";
            if (IsOnItsWayOut(view, node) && !before.Any(place => place.Node == node)) return $"node {node} is on its way out of the cluster";
            if (replicas[i].Role > MemberRole.Witness) return "a replica's role is not known";
            if (replicas[i].Role == MemberRole.Voter) voters++;
            for (var j = 0; j < i; j++)
                if (replicas[j].Node == node) return $"node {node} is named twice";
        }

        return voters == 0 ? "a group needs a voter" : null;
    }

    private static bool IsOnItsWayOut(DirectoryView view, NodeId node) => view.RunningAbout(node)?.Kind == ProcedureKind.RemoveNode || view.IsBeingReplaced(node);

    private static DirectoryView Begin(DirectoryView view, ProcedureKind kind, NodeId subject, NodeId replaces) => view with
    {
        Procedures = view.Procedures.Add(view.NextProcedure, new ProcedureRecord(view.NextProcedure, kind, subject, replaces, ProcedureState.Running, "")),
        NextProcedure = view.NextProcedure + 1,
    };

    private static DirectoryView Ended(DirectoryView view, ProcedureRecord procedure, ProcedureState state, string note) =>
        view with { Procedures = view.Procedures.SetItem(procedure.Id, procedure with { State = state, Note = note }) };

    internal static int CountRunning(DirectoryView view)
    {
        var running = 0;
        foreach (var (_, procedure) in view.Procedures)
            if (procedure.State == ProcedureState.Running) running++;
        return running;
    }

    private static int StayingMembers(DirectoryView view)
    {
        var staying = 0;
        foreach (var (node, _) in view.Members)
            if (view.RunningAbout(node)?.Kind != ProcedureKind.RemoveNode && !view.IsBeingReplaced(node)) staying++;
        return staying;
    }

    private static DirectoryView WithoutOldest(DirectoryView view)
    {
        var ended = view.Procedures.Count - CountRunning(view);
        var procedures = view.Procedures;
        foreach (var (id, procedure) in view.Procedures)
        {
            if (ended <= EndedProceduresKept) break;
            if (procedure.State == ProcedureState.Running) continue;
            procedures = procedures.Remove(id);
            ended--;
        }

        return view with { Procedures = procedures };
    }

    private static bool IsSame(MemberRecord left, MemberRecord right) =>
        left with { ClientUrls = right.ClientUrls } == right && left.ClientUrls.AsSpan().SequenceEqual(right.ClientUrls.AsSpan());

    private static DirectoryReply Malformed => DirectoryReply.No("the command is not whole");
}
