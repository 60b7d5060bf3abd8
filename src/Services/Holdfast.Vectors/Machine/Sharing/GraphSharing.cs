using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>What indexing is to do about rows that lack a graph.</summary>
internal enum SharingWord : byte
{
    /// <summary>Build it.</summary>
    Build = 0,

    /// <summary>Leave them: another replica builds it.</summary>
    Wait,

    /// <summary>Take over <see cref="GraphSharing.Loan"/>.</summary>
    Borrow,
}

/// <summary>
/// Carries out what <see cref="BuildTurn"/> says for one shard: asks, fetches, checks and lends. Driven by whoever has the shard; what others tell comes in through a box.
/// </summary>
internal sealed class GraphSharing(ShardMachine machine, IGraphPeers peers, SharingParts parts) : IDisposable
{
    private readonly BuildTurn turn = new(parts.Options, parts.Bug);
    private readonly Lock gate = new();
    private readonly Queue<Action> box = new();
    private GraphFetch? fetch;

    /// <summary>What was fetched, to be used; then <see cref="End"/>.</summary>
    public GraphLoan? Loan { get; private set; }

    /// <summary>Whether it waits for others: time decides, too.</summary>
    public bool IsWaiting => turn.IsWaiting && Loan is null;

    /// <summary>Looks at what has come, and does what is next.</summary>
    public SharingWord Look(PointStore store, in GraphNeed need)
    {
        Receive();
        if (Loan is not null) return SharingWord.Borrow;
        var waited = turn.WaitsEnded;
        var move = turn.Next(peers.Now, need.Rows, need.Rows == 0 ? [] : peers.Ranked(), peers.Self);
        if (turn.WaitsEnded > waited) parts.Meters.NoteWaitEnded();
        if (fetch is not null && fetch.Offer != move.Offer) EndFetch();
        switch (move.Step)
        {
            case TurnStep.Ask:
                Ask(move.Node, need);
                return SharingWord.Wait;
            case TurnStep.Fetch:
                Fetch(store, move);
                return Loan is null ? SharingWord.Wait : SharingWord.Borrow;
            default:
                return move.Step == TurnStep.Wait ? SharingWord.Wait : SharingWord.Build;
        }
    }

    /// <summary>The work is done: with the loan, or without one.</summary>
    /// <param name="isUsed">Whether the loan was of use; true where there was none.</param>
    public void End(bool isUsed = true)
    {
        if (!isUsed) parts.Meters.NoteRefused();
        Loan = null;
        turn.OnUsed();
    }

    /// <inheritdoc/>
    public void Dispose() => EndFetch();

    private void Ask(ulong node, in GraphNeed need)
    {
        var ask = new GraphAsk(machine.SettingsHash, need.Column, need.Sample(GraphAsk.SampleMax));
        turn.OnAsked(ask.Sample.Count);
        peers.Ask(node, ask, told => Put(() => turn.OnTold(peers.Now, node, told)), () => Put(() => turn.OnLost(peers.Now, node)));
    }

    private void Fetch(PointStore store, in TurnMove move)
    {
        try
        {
            if (fetch is null)
            {
                if (!GraphFetch.IsSensible(move.Offer!, store))
                {
                    Refuse();
                    return;
                }

                if (!parts.Limit.TryEnter())
                {
                    turn.OnCame(peers.Now); // Not its turn yet.
                    return;
                }

                fetch = new GraphFetch(store.Files!, store.Columns, move.Offer!);
            }

            if (fetch.IsWhole) Read(fetch);
            else if (!fetch.IsAsked) AskPiece(move.Node, fetch);
        }
        catch (IOException)
        {
            Refuse();
        }
    }

    private void AskPiece(ulong node, GraphFetch of)
    {
        of.IsAsked = true;
        peers.Fetch(node, of.File, of.From, piece => Put(() => Take(of, piece.Span)), () => Put(() => of.IsAsked = false));
    }

    private void Read(GraphFetch whole)
    {
        Loan = whole.Read();
        if (Loan is null)
        {
            Refuse();
            return;
        }

        EndFetch();
        turn.OnFetched();
    }

    private void Put(Action what)
    {
        lock (gate) box.Enqueue(what);
        parts.Invite?.Invoke();
    }

    private void Receive()
    {
        while (true)
        {
            Action? next;
            lock (gate)
                if (!box.TryDequeue(out next)) return;
            next();
        }
    }

    private void Take(GraphFetch of, ReadOnlySpan<byte> piece)
    {
        if (of != fetch) return; // It was given up meanwhile.
        try
        {
            if (!of.Take(piece))
            {
                Refuse();
                return;
            }

            parts.Meters.NoteCame(piece.Length);
            turn.OnCame(peers.Now);
        }
        catch (IOException)
        {
            Refuse();
        }
    }

    private void Refuse()
    {
        parts.Meters.NoteRefused();
        EndFetch();
        turn.OnRefused();
    }

    private void EndFetch()
    {
        if (fetch is null) return;
        fetch.Dispose();
        fetch = null;
        parts.Limit.Leave();
    }
}

/// <summary>What the sharing of all of a node's shards has in common.</summary>
internal sealed record SharingParts
{
    /// <summary>What is counted.</summary>
    public GraphMeters Meters { get; init; } = new();

    /// <summary>How many fetch at once.</summary>
    public FetchLimit Limit { get; init; } = new();

    /// <summary>How long is waited.</summary>
    public BuildTurnOptions Options { get; init; } = new();

    /// <summary>A planted bug of a model.</summary>
    public PlantedSharingBug Bug { get; init; }

    /// <summary>Tells the node's threads that something has come.</summary>
    public Action? Invite { get; init; }
}
