using System.Numerics;
using Holdfast.Storage;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Machine;

/// <summary>What one shard's indexes and segments still lack, in batches of some milliseconds; for one thread at a time, which others help to insert. With peers, what another replica builds is waited for and taken over.</summary>
internal sealed unsafe class ShardIndexing(ShardMachine machine, IndexWorkerOptions usual, IGraphPeers? peers = null, SharingParts? parts = null)
{
    /// <summary>Rows inserted into a graph at a time by one thread: some milliseconds, after which it may give way.</summary>
    public const int RowsPerBatch = 32;

    private const int PostingsPerBatch = 1024;
    private const int CodedPerBatch = 2048;
    private const int DeclaredRowsPerBatch = 2048;

    /// <summary>A graph is mended when one in so many of its rows died since.</summary>
    private const int MendShare = 10;

    /// <summary>Codes are tried again when a segment has grown by half.</summary>
    private const double TrialGrowth = 1.5;

    private readonly SharingParts sharing = parts ?? new SharingParts();
    private PointStore? known;
    private CollectionConfig? configured;
    private IndexWorkerOptions options = new();
    private SegmentMerge? merge;
    private IEnumerator<bool>? merging;
    private (VectorColumn Column, int Rows, CodeChoice Choice, IEnumerator<bool> Steps)? choosing;
    private (TenantBuild Build, IEnumerator<bool> Steps)? grouping;
    private InsertBatch? open;
    private GraphSharing? tails;
    private GraphSharing? merges;
    private GraphSharing? lender;
    private IEnumerator<bool>? borrowing;
    private long inserted;
    private bool isAtWork;
    private volatile bool isClosed;
    private int refused;
    private int busy;

    /// <summary>Whether another replica's graph is waited for: time decides, too.</summary>
    public bool IsWaiting => tails?.IsWaiting == true || merges?.IsWaiting == true;

    /// <summary>Answers another replica; null when there is nothing to be had here. For any thread.</summary>
    public GraphTold? Tell(GraphAsk ask) => options.IsOff ? null : GraphShelf.Tell(machine, ask, Volatile.Read(ref isAtWork), Volatile.Read(ref inserted));

    /// <summary>Tells the node's other threads that there is something to help with.</summary>
    public Action? Invite { get; init; }

    /// <summary>Takes the shard for this thread; false when another has it.</summary>
    public bool TryEnter() => Interlocked.CompareExchange(ref busy, 1, 0) == 0;

    /// <summary>Gives it back.</summary>
    public void Leave()
    {
        Volatile.Write(ref busy, 0);
        if (isClosed) Close();
    }

    /// <summary>Nothing is done any more, and nothing fetched: by this thread, or by the one that has the shard when it leaves.</summary>
    public void Close()
    {
        isClosed = true;
        if (TryEnter()) Share(null);
    }

    /// <summary>Helps the thread that has the shard to insert rows; false when there are none.</summary>
    public bool TryHelp()
    {
        if (Volatile.Read(ref open) is not { } batch || !batch.TryJoin()) return false;
        try
        {
            batch.Run();
        }
        finally
        {
            batch.Leave();
        }

        return true;
    }

    /// <summary>One batch; false when nothing is left to do, or what is left is another replica's.</summary>
    public bool Work()
    {
        var didSomething = WorkOnce();
        Volatile.Write(ref isAtWork, didSomething);
        return didSomething;
    }

    private bool WorkOnce()
    {
        var state = machine.State;
        if (state?.Store != known)
        {
            merge?.Abandon();
            (known, merge, merging, choosing, grouping, refused) = (state?.Store, null, null, null, null, 0);
            Share(state?.Store);
        }

        if (state is null) return false;
        if (state.Config != configured) (configured, options) = (state.Config, usual.Under(state.Config));
        var store = state.Store;
        foreach (var segment in store.Segments)
            for (var column = 0; column < segment.Columns.Length; column++)
                if (!IsDeleted(store, column) && ReadBack(store, segment, column)) return true;
        if (options.IsOff)
        {
            merge?.Abandon();
            lender?.End(isUsed: false);
            (merge, merging, choosing, grouping, lender, borrowing) = (null, null, null, null, null, null);
            tails?.Look(store, default);
            merges?.Look(store, default);
            return false;
        }

        var isMerging = Merge();
        var mayInsert = MayInsert(state);
        if (choosing is { } begun && !IsThere(store, begun.Column)) choosing = null;
        foreach (var segment in store.Segments)
            for (var number = 0; number < segment.Columns.Length; number++)
            {
                if (IsDeleted(store, number)) continue;
                var column = segment.Columns[number];
                if (Extend(segment, column) || Choose(segment, column, options.RowsMinOf(state.Config.Optimizers, store.Columns[number])) || CodeAhead(segment, column) || (mayInsert && Insert(segment, column)) || Mend(segment, column)) return true;
            }

        if (FillDeclared(state) || isMerging) return true;
        foreach (var segment in store.Segments)
            for (var column = 0; column < segment.Columns.Length; column++)
                if (!IsDeleted(store, column) && Keep(store, segment, column)) return true;
        if (borrowing is not null) return Borrow();
        return mayInsert && ((refused == 0 && Plan(state)) || Group(state));
    }

    /// <summary>Sharing begins anew with each state: what another one lacked is nothing to this one.</summary>
    private void Share(PointStore? store)
    {
        tails?.Dispose();
        merges?.Dispose();
        (tails, merges, lender, borrowing) = (null, null, null, null);
        if (peers is null || store?.Files is null) return;
        (tails, merges) = (new GraphSharing(machine, peers, sharing), new GraphSharing(machine, peers, sharing));
    }

    /// <summary>Whether rows that wait for their turn are to be inserted here. While another replica builds their graph they wait; when it has come, the segments that it is of are merged, and take it over.</summary>
    private bool MayInsert(ShardState state)
    {
        if (tails is null) return true;
        if (borrowing is not null || lender == tails) return false;
        var word = tails.Look(state.Store, GraphNeed.OfTails(state.Store));
        if (word == SharingWord.Borrow) borrowing = BorrowSteps(state, tails.Loan!).GetEnumerator();
        return word == SharingWord.Build;
    }

    private bool Borrow()
    {
        if (!borrowing!.MoveNext()) borrowing = null;
        return true;
    }

    /// <summary>The segments that most of a lent graph's rows are in become one, which takes it over.</summary>
    private IEnumerable<bool> BorrowSteps(ShardState state, GraphLoan loan)
    {
        while (merging is not null) yield return true;
        var graph = loan.GraphOf(loan.Column)!;
        var (sources, covered, rows) = (new List<Segment>(), 0, 0L);
        foreach (var segment in state.Store.Segments)
        {
            var match = new LoanMatch(graph, segment, loan.Column);
            foreach (var step in match.Steps()) yield return step;
            if (match.Covered == 0 || match.Covered < segment.LiveCount / 2) continue;
            sources.Add(segment);
            covered += match.Covered;
            rows += segment.LiveCount;
        }

        if (covered < graph.Rows * SegmentPlan.TakenOverShareMin || rows > state.Store.RowsMax || refused > 0) tails!.End(isUsed: false);
        else Begin(state, [.. sources], tails, loan);
    }

    /// <summary>After a restart: a graph that is in a file takes its column's place; one that is damaged, or was built in another way, is forgotten and built again.</summary>
    private bool ReadBack(PointStore store, Segment segment, int column)
    {
        if (segment.Files?.Graphs[column] is not { } hash || segment.Columns[column].Index is not null) return false;
        if (GraphFile.Read(store.Files!, hash, segment.Columns[column]) is { } index) segment.Columns[column].Index = index;
        else
        {
            SetGraph(store, segment, column, null);
            store.Files!.DropDamaged(hash);
        }

        return true;
    }

    /// <summary>A sealed segment's graph that was built here is written beside its rows.</summary>
    private bool Keep(PointStore store, Segment segment, int column)
    {
        if (segment.Files is not { } files || files.Graphs[column] is not null || segment.Columns[column].Index is not { } index || index.Indexed < segment.Visible || refused > 0) return false;
        try
        {
            var graph = GraphFile.Write(store.Files!, index, segment, column, segment.Visible);
            sharing.Meters.NoteMade(isFetched: false);
            SetGraph(store, segment, column, graph);
            if (index.Column.Graph.IsOnDisk && GraphFile.Read(store.Files!, graph, segment.Columns[column]) is { } mapped) segment.Columns[column].Index = mapped;
            machine.Kept?.Invoke();
        }
        catch (IOException)
        {
            refused++;
        }

        return true;
    }

    /// <summary>The segment names another graph; whoever captures a snapshot meanwhile sees the old names or the new ones.</summary>
    private void SetGraph(PointStore store, Segment segment, int column, FileHash? graph)
    {
        lock (machine.Gate)
        {
            if (segment.Files is { } files)
            {
                if (files.Graphs[column] is { } old) store.Files!.Release(old);
                var graphs = (FileHash?[])files.Graphs.Clone();
                graphs[column] = graph;
                segment.Files = files with { Graphs = graphs };
            }
            else if (graph is { } unwanted)
            {
                store.Files!.Release(unwanted);
            }
        }
    }

    /// <summary>Payload indexes that were declared are there before the first question. What is asked without a declaration makes its own.</summary>
    private static bool FillDeclared(ShardState state)
    {
        foreach (var segment in state.Store.Segments)
            foreach (var (path, type) in state.Declared.Types)
                if (segment.Indexes.Fill(path, type, state.Declared.Texts.GetValueOrDefault(path.Text), segment, DeclaredRowsPerBatch)) return true;
        return false;
    }

    /// <summary>Large tenants get graphs of their own in segments that nothing else is to be done with.</summary>
    private bool Group(ShardState state)
    {
        var (store, key) = (state.Store, state.Declared.Tenants);
        if (grouping is { } begun)
        {
            if (!begun.Build.Key.Equals(key) || !IsThere(store, begun.Build.Column) || !begun.Steps.MoveNext()) grouping = null;
            return true;
        }

        foreach (var segment in store.Segments)
            for (var number = 0; number < segment.Columns.Length; number++)
            {
                var column = segment.Columns[number];
                if (column.Tenants is { } known && !known.Key.Equals(key)) column.Tenants = null;
                if (key is null || column.Tenants is not null || !segment.IsSealed || column.Params.Kind != VectorKind.Dense || column.Params.Graph.OfTenants.M == 0 || IsDeleted(store, number)) continue;
                if (column.Params.Graph.M > 0 && (column.Index is not { } index || index.Indexed < segment.Visible)) continue;
                var build = new TenantBuild(segment, column, key, store.Columns[number], options.RowsMinOf(state.Config.Optimizers, store.Columns[number]));
                grouping = (build, build.Steps().GetEnumerator());
                return true;
            }

        return false;
    }

    private static bool IsThere(PointStore store, VectorColumn wanted) => store.Segments.Any(segment => segment.Columns.Where((column, at) => column == wanted && !IsDeleted(store, at)).Any());

    private static bool IsDeleted(PointStore store, int column) => column < store.Columns.Count && store.Columns[column].IsGone;

    private bool Extend(Segment segment, VectorColumn column)
    {
        if (column.Postings is not { } postings || postings.Covered >= segment.Visible) return false;
        postings.Extend(column, Math.Min(LivingRows(segment), postings.Covered + PostingsPerBatch));
        return true;
    }

    /// <summary>Rows show a moment before they live, and whoever met one in between would pass it over for good. Between two entries all that show live, or are dead.</summary>
    private int LivingRows(Segment segment)
    {
        lock (machine.Gate) return segment.Visible;
    }

    /// <summary>
    /// A graph begins with the choice of its codes, and in a segment that grows it is made again as that does: codes that later rows have outgrown are given up with their graph, and rows are scanned until there is
    /// another, so that recall never falls for it.
    /// </summary>
    private bool Choose(Segment segment, VectorColumn column, int rowsMin)
    {
        if (column.Params.Kind != VectorKind.Dense || column.Params.Graph.M == 0 || (choosing is { } other && other.Column != column)) return false;
        if (choosing is null)
        {
            var isDue = column.Index is { } index ? !segment.IsSealed && index.Codec is not null && segment.Visible >= index.TriedAt * TrialGrowth : column.LiveCount >= rowsMin;
            if (!isDue) return false;
            var choice = new CodeChoice(column, segment.Visible, column.Index?.Codec);
            choosing = (column, segment.Visible, choice, choice.Steps().GetEnumerator());
        }

        var (_, rows, chosen, steps) = choosing.Value;
        if (steps.MoveNext()) return true;
        choosing = null;
        if (column.Index is null || column.Index.Codec != chosen.Codec) column.Index = new VectorIndex(column.Params, column.Rows, chosen.Codec, new LinkTable(column.Params.Graph, column.Rows.RowsMax), null, 0);
        column.Index.TriedAt = rows;
        return true;
    }

    /// <summary>Rows that wait for their turn are scanned by every search meanwhile: by their codes, once they have some.</summary>
    private static bool CodeAhead(Segment segment, VectorColumn column)
    {
        var isDone = column.Index is { } index && index.CodeAhead(segment.Visible, CodedPerBatch);
        GC.KeepAlive(segment);
        return isDone;
    }

    private bool Insert(Segment segment, VectorColumn column)
    {
        if (column.Index is not { } index || index.Indexed >= segment.Visible) return false;
        var batch = new InsertBatch(segment, column, index, index.Indexed, Math.Min(LivingRows(segment), index.Indexed + RowsAtOnce));
        Insert(batch);
        index.Advance(batch.To);
        return true;
    }

    private int RowsAtOnce => RowsPerBatch * Math.Max(1, options.Threads);

    private void Insert(InsertBatch batch)
    {
        Volatile.Write(ref open, batch);
        for (var other = 1; other < options.Threads; other++) Invite?.Invoke();
        try
        {
            batch.Run();
        }
        finally
        {
            Volatile.Write(ref open, null);
            batch.End();
            sharing.Meters.NoteInserted(batch.Inserted);
            Volatile.Write(ref inserted, inserted + batch.Inserted);
        }
    }

    private bool Mend(Segment segment, VectorColumn column)
    {
        if (column.Index is not { } index || index.Indexed == 0) return false;
        var dead = index.Indexed - CountLive(column, index.Indexed);
        if ((dead - index.MendedAt) * MendShare < index.Indexed) return false;
        index.MendedAt = dead;
        index.MendEntry(column.Live);
        var scratch = segment.Scratch.Rent();
        for (var row = 0; row < index.Indexed; row++)
            if (column.IsLive(row)) index.Mend(row, column.Live, scratch);
        index.Reattach(column.Live, scratch);
        segment.Scratch.Return(scratch);
        GC.KeepAlive(segment);
        return true;
    }

    /// <summary>A step of the merge under way; false when there is none. A disk that refuses ends it, and no other is begun before the state is replaced.</summary>
    private bool Merge()
    {
        if (merging is null) return false;
        try
        {
            if (merging.MoveNext()) return true;
        }
        catch (IOException)
        {
            refused++;
            merge!.Abandon();
        }

        lender?.End(merge!.HasBorrowed);
        (merge, merging, lender) = (null, null, null);
        return true;
    }

    private bool Plan(ShardState state)
    {
        if (SegmentPlan.Next(state.Store, options) is not { } sources)
        {
            merges?.Look(state.Store, default);
            return false;
        }

        var need = merges is null ? default : GraphNeed.OfMerge(state.Store, sources, options, state.Config.Optimizers);
        if (need.Rows < sharing.Options.AskRowsMin)
        {
            Begin(state, sources, null, null);
            return true;
        }

        var word = merges!.Look(state.Store, need);
        if (word == SharingWord.Wait) return false;
        Begin(state, sources, merges, merges.Loan);
        return true;
    }

    private void Begin(ShardState state, Segment[] sources, GraphSharing? lending, GraphLoan? loan)
    {
        merge = new SegmentMerge(machine, state.Store, sources, state.Config, options, Insert) { Loan = loan, Meters = sharing.Meters, Bug = sharing.Bug };
        (merging, lender) = (merge.Steps().GetEnumerator(), lending);
    }

    private static int CountLive(VectorColumn column, int rows)
    {
        var count = 0;
        for (var word = 0; word << 6 < rows; word++) count += BitOperations.PopCount(column.Live[word]);
        return Math.Min(count, rows);
    }
}
