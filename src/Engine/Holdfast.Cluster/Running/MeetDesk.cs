using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>How a node stopped being alone.</summary>
/// <param name="Founded">The genesis of its own cluster; null when it joins another's.</param>
/// <param name="Pledged">What it has promised.</param>
internal sealed record LoneEnd(Genesis? Founded, LoneRecord Pledged);

/// <summary>
/// Carries out what <see cref="Meeting"/> decides: asks those that this node was told to meet, answers those that ask it, and writes each step down before anybody hears of it. One lock around
/// deciding and writing, so that a node decides once.
/// </summary>
/// <param name="setup">The node.</param>
/// <param name="trust">How calls are protected.</param>
/// <param name="found">Makes the genesis of a cluster of this node alone, not yet written.</param>
/// <param name="wasRemoved">Whether a node was removed from this node's cluster.</param>
/// <param name="invite">Makes a token for one node; null when the directory does not decide now.</param>
internal sealed class MeetDesk(ClusterNodeSetup setup, ControlTrust trust, Func<Genesis> found, Func<NodeId, bool> wasRemoved, Func<CancellationToken, Task<string?>> invite)
{
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(100);

    /// <summary>How long somebody who does not answer is asked. Longer than a node takes to start, shorter than an operator's patience.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(60);

    /// <summary>How long whoever told this node to meet another waits to be told why it cannot.</summary>
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private readonly TaskCompletionSource<LoneEnd> decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SortedDictionary<string, (long Since, MeetAnswer? Answer)> asked = new(StringComparer.Ordinal);
    private LoneRecord record = LoneRecord.Empty;
    private Meeting meeting = new(setup.Self.Id, MeetStanding.Alone, ClusterId.None);
    private bool isOpen;
    private bool isAwaited;

    /// <summary>Ends when the node is not alone any more.</summary>
    public Task<LoneEnd> Decided => decided.Task;

    /// <summary>The face's note.</summary>
    public ReadOnlyMemory<byte> Note
    {
        get
        {
            lock (gate) return record.Note;
        }
    }

    /// <summary>Begins with what the disk says.</summary>
    public void Begin(Genesis? genesis)
    {
        lock (gate)
        {
            record = LoneFile.Read(setup.Disk);
            isOpen = setup.AnswersMeetings && (genesis is not null || setup.IsLone);
            isAwaited = genesis is null && (setup.IsLone || record.Pledge != ClusterId.None);
            meeting = genesis is not null ? new Meeting(setup.Self.Id, MeetStanding.Member, genesis.Cluster)
                : record.Pledge != ClusterId.None ? new Meeting(setup.Self.Id, MeetStanding.Pledged, record.Pledge)
                : new Meeting(setup.Self.Id, MeetStanding.Alone, ClusterId.None);
            if (genesis is null && record.Pledge != ClusterId.None) decided.TrySetResult(new LoneEnd(null, record));
        }
    }

    /// <summary>Whether the node has to find to a cluster by meeting others, or has promised to join one.</summary>
    public bool IsAwaited => isAwaited && meeting.Standing != MeetStanding.Member;

    /// <summary>Writes the face's note; durable when this returns. False when the node is not alone any more: then it is too late.</summary>
    public bool TryNote(byte[] note)
    {
        lock (gate)
        {
            if (meeting.Standing != MeetStanding.Alone) return false;
            LoneFile.Write(setup.Disk, record = record with { Note = note });
            return true;
        }
    }

    /// <summary>What was noted is done; there is nothing left to remember.</summary>
    public void ClearNote()
    {
        lock (gate)
        {
            if (record.Note.Length > 0) LoneFile.Write(setup.Disk, record = record with { Note = [] });
        }
    }

    /// <summary>Founds a cluster of this node alone, if it still is; false when it has promised to join another.</summary>
    public bool TryFound()
    {
        lock (gate)
        {
            if (meeting.Standing == MeetStanding.Alone) Found();
            return meeting.Standing == MeetStanding.Member;
        }
    }

    /// <summary>The genesis is on the disk.</summary>
    public void OnMember(ClusterId cluster)
    {
        lock (gate)
        {
            isOpen = setup.AnswersMeetings;
            meeting.OnMember(cluster);
        }
    }

    /// <summary>This node was told to meet another. Ends at once when it cannot, with the reason; else when the other has answered, or after a moment: asking goes on.</summary>
    /// <param name="target">"host:port" of its peer port.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<string?> MeetAsync(string target, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (!meeting.Wish(target)) return "too many nodes are to be met at once";
            asked[target] = (Environment.TickCount64, null);
        }

        using var timer = new PeriodicTimer(Pulse / 4);
        for (var begun = Environment.TickCount64; Environment.TickCount64 - begun < AnswerWithin.TotalMilliseconds; await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
            lock (gate)
            {
                if (asked.TryGetValue(target, out var last) && last.Answer is { } answer)
                    return answer.Verdict == MeetVerdict.Apart ? $"this node is of cluster {meeting.Cluster}, and the other of {answer.Cluster}: a node with a cluster of its own does not drop it (S23)" : null;
            }

        return null;
    }

    /// <summary>Asks, until the node stops.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Pulse);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
            {
                string[] targets;
                lock (gate)
                {
                    targets = meeting.Standing switch
                    {
                        MeetStanding.Alone => [.. meeting.Wishes.Take(1)],
                        MeetStanding.Member => [.. meeting.Wishes],
                        _ => [], // Joining: what else it was told to meet comes when it has arrived.
                    };
                }

                foreach (var target in targets) await AskAsync(target, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }
    }

    /// <summary>The pledge with a token that opens: the old one's time is over, or it was of another incarnation's directory. The old one when the other gives none now.</summary>
    public async Task<LoneRecord> RenewAsync(CancellationToken cancellation)
    {
        await AskAsync(record.Target, cancellation).ConfigureAwait(false);
        lock (gate) return record;
    }

    /// <summary>Another node was told to meet this one.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> OnMeet(ControlRequest request, CancellationToken cancellation)
    {
        var question = MeetCodec.DecodeQuestion(request.Payload.Span) ?? throw new ControlRefusedException("the question is not whole");
        if (question.Member.Node != request.Caller) throw new ControlRefusedException("a node meets others for itself only");
        if (!isOpen) throw new ControlRefusedException("this node meets nobody: it founds its cluster with others that it was told of, or has no Redis face; let the other join with a token (holdfast token)", mayPass: true);
        MeetAnswer answer;
        if (wasRemoved(request.Caller)) return MeetCodec.Encode(new MeetAnswer(MeetVerdict.Removed, setup.Self.Id, meeting.Cluster, NodeId.None, ""));
        lock (gate)
        {
            (answer, var step) = meeting.OnAsked(question, HostPort.Format(question.Member.Host, question.Member.Port));
            if (step == MeetStep.Found) Found();
        }

        if (answer.Verdict != MeetVerdict.Come) return MeetCodec.Encode(answer);
        var token = await invite(cancellation).ConfigureAwait(false);
        return MeetCodec.Encode(token is null ? answer with { Verdict = MeetVerdict.Wait } : answer with { Token = token });
    }

    /// <summary>Whether one of these says that this node was removed from the cluster that both are of.</summary>
    public async Task<bool> WasRemovedAsync(IEnumerable<string> members, CancellationToken cancellation)
    {
        var question = MeetCodec.Encode(new MeetQuestion(setup.Member, meeting.Standing, meeting.Cluster));
        foreach (var target in members)
        {
            var reply = await ControlClient.CallAsync(target, ClusterVerbs.Meet, question, CallMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
            if (reply.IsOk && MeetCodec.DecodeAnswer(reply.Payload.Span) is { Verdict: MeetVerdict.Removed } answer && answer.Cluster == meeting.Cluster) return true;
        }

        return false;
    }

    private async Task AskAsync(string target, CancellationToken cancellation)
    {
        MeetQuestion question;
        lock (gate) question = new MeetQuestion(setup.Member, meeting.Standing, meeting.Cluster);
        var reply = await ControlClient.CallAsync(target, ClusterVerbs.Meet, MeetCodec.Encode(question), CallMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
        lock (gate)
        {
            var since = asked.TryGetValue(target, out var known) ? known.Since : Environment.TickCount64;
            if (!reply.IsOk || MeetCodec.DecodeAnswer(reply.Payload.Span) is not { } answer)
            {
                if (Environment.TickCount64 - since < SilenceMax.TotalMilliseconds || meeting.Standing == MeetStanding.Pledged) return;
                setup.Warn($"{target} was to be met and has not answered for {SilenceMax.TotalSeconds:0} s ({reply.Fault}): CLUSTER MEET it again when it is there");
                meeting.GiveUp(target);
                asked.Remove(target);
                return;
            }

            asked[target] = (Environment.TickCount64, answer);
            if (answer.Verdict == MeetVerdict.Apart) setup.Warn($"{target} was to be met, and is of another cluster, {answer.Cluster}: neither of the two is given up (S23)");
            switch (meeting.OnAnswer(target, answer))
            {
                case MeetStep.Found:
                    Found();
                    break;
                case MeetStep.Pledge:
                    LoneFile.Write(setup.Disk, record = record with { Pledge = answer.Cluster, Target = target, Token = answer.Token });
                    meeting.OnPledged(answer.Cluster);
                    setup.Say($"this empty node was told to meet {target}, and joins its cluster {answer.Cluster}");
                    decided.TrySetResult(new LoneEnd(null, record));
                    break;
                case MeetStep.Join:
                    LoneFile.Write(setup.Disk, record = record with { Token = answer.Token });
                    break;
            }
        }
    }

    private void Found()
    {
        var genesis = found();
        GenesisFile.Write(setup.Disk, genesis);
        meeting.OnMember(genesis.Cluster);
        decided.TrySetResult(new LoneEnd(genesis, record));
    }
}
