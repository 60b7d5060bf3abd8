using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Machine.Sharing;

namespace Holdfast.Vectors.Tests.Machine.Sharing;

/// <summary>
/// Replicas whose rows lack a graph, round after round, with production's decisions about who builds, from one seed: messages are late or lost, replicas die, hang, crawl, or have graphs that are of no use. Held against
/// what was promised: nobody waits longer than allowed, and less where nobody is left to wait for; nothing of no use is fetched twice; where nothing goes wrong each row is inserted once in the whole cluster.
/// </summary>
internal sealed class TurnWorld
{
    private const int Tick = 50;
    private const int Pieces = 6;
    private const int Bytes = 600_000;
    private const int RowsPerTick = 100;

    /// <summary>What was under way when others died may still come for so long.</summary>
    private const int Late = 20_000;

    private readonly SeededRandom dice;
    private readonly BuildTurnOptions options = new();
    private readonly PlantedSharingBug bug;
    private readonly Replica[] replicas;
    private readonly ulong[] ranked;
    private readonly List<(long At, Action What)> messages = [];
    private readonly bool isCalm;
    private long now;
    private int round;

    public TurnWorld(ulong seed, PlantedSharingBug bug)
    {
        (dice, this.bug, isCalm) = (new SeededRandom(seed), bug, seed % 3 == 0);
        replicas = [.. Enumerable.Range(0, dice.Next(2, 6)).Select(number => new Replica((ulong)number + 1))];
        foreach (var replica in replicas) replica.Turn = new BuildTurn(options, bug);
        ranked = [.. replicas.Select(replica => replica.Node)];
    }

    /// <summary>Rows that were inserted, in all replicas and rounds.</summary>
    public long Inserted { get; private set; }

    public void Run()
    {
        for (round = 1; round <= 4; round++)
        {
            var rows = dice.Next(options.AskRowsMin, 20_000);
            var before = Inserted;

            // A round in which the first replica is away from the beginning, and later ones in which it is back.
            var isAway = round == 1 && dice.Chance(0.5);
            foreach (var replica in replicas) replica.Begin(rows, now, isAway && replica.Node == 1);
            if (!isCalm && dice.Chance(0.3)) replicas[0].IsCrawling = true;
            var last = now + (2 * options.WaitFor(rows)) + 400_000;
            for (; replicas.Any(replica => replica is { IsDead: false, IsHanging: false, Lacking: > 0 }); now += Tick)
            {
                Assert.True(now < last, $"a round of {rows} rows comes to no end");
                if (!isCalm && dice.Chance(0.003)) Misfortune();
                Deliver();
                foreach (var replica in replicas) Step(replica, rows);
            }

            if (isCalm) Assert.Equal(rows, Inserted - before);
            foreach (var replica in replicas) Step(replica, rows); // All see that nothing lacks.
            foreach (var replica in replicas) replica.Revive(new BuildTurn(options, bug));
            messages.Clear();
            now += dice.Next(100_000);
        }
    }

    private void Misfortune()
    {
        var victim = replicas[dice.Next(replicas.Length)];
        switch (dice.Next(6))
        {
            case 0: victim.Die(now); break;
            case 1: victim.Revive(new BuildTurn(options, bug)); break;
            case 2: (victim.IsHanging, victim.WaitsSince) = (!victim.IsHanging, -1); break;
            case 3: victim.IsCrawling = !victim.IsCrawling; break;
            case 4: victim.IsFalse = !victim.IsFalse; break;
            default: victim.IsMute = !victim.IsMute; break;
        }
    }

    private void Step(Replica replica, int rows)
    {
        if (replica.IsDead || replica.IsHanging) return;
        if (replica.Loan > 0)
        {
            // What was fetched is taken over at once.
            (replica.Loan, replica.Lacking, replica.Has) = (0, 0, round);
            replica.Turn.OnUsed();
        }

        var move = replica.Turn.Next(now, replica.Lacking, ranked, replica.Node);
        if (move.Step is TurnStep.Wait or TurnStep.Ask or TurnStep.Fetch) Waits(replica, rows);
        else replica.WaitsSince = -1;
        switch (move.Step)
        {
            case TurnStep.Build:
                // Who crawls says that he gets on and comes to no end as long as anybody waits.
                var done = Math.Min(replica.Lacking, RowsPerTick);
                replica.Progress++;
                if (replica.IsCrawling && replicas.Any(other => !other.IsDead && other != replica && other.Turn.IsWaiting)) break;
                replica.Lacking -= done;
                Inserted += done;
                if (replica.Lacking == 0) replica.Has = round;
                break;
            case TurnStep.Ask:
                replica.Turn.OnAsked(GraphAsk.SampleMax);
                Send(replica, move.Node, asked => () => replica.Turn.OnTold(now, asked.Node, Told(asked)));
                break;
            case TurnStep.Fetch when move.Offer! != replica.Coming:
                Assert.True(!replica.Refused.Contains(move.Offer!.Name), "what was of no use is fetched again");
                (replica.Coming, replica.Pieces) = (move.Offer, 0);
                FetchPiece(replica, move.Node);
                break;
        }
    }

    /// <summary>Nobody waits longer than the rows and the file allow; and where all who come before are dead or mute from the beginning, no longer than it takes to notice.</summary>
    private void Waits(Replica replica, int rows)
    {
        if (replica.WaitsSince < 0) (replica.WaitsSince, replica.WasAlone) = (now, true);
        replica.WasAlone &= ranked.TakeWhile(node => node != replica.Node).All(node => replicas[(int)node - 1] is { IsDead: true } or { IsMute: true });
        var waited = now - replica.WaitsSince;
        Assert.True(waited <= options.WaitFor(rows) + options.FetchWithin(Bytes) + options.PieceWithin + (4 * Tick), $"replica {replica.Node} has waited for {waited} ms for {rows} rows");
        var others = ranked.TakeWhile(node => node != replica.Node).Count();
        if (replica.WasAlone) Assert.True(waited <= (others * options.LostMost * (options.AnswerWithin + options.AskEvery)) + Late, $"replica {replica.Node} has waited for {waited} ms for the dead");
    }

    private GraphTold Told(Replica asked)
    {
        var offers = asked.Has == round ? [new GraphOffer(asked.Rows, GraphAsk.SampleMax, [new OfferedGraph(0, Name(asked.Node, asked.IsFalse), Bytes)])] : Array.Empty<GraphOffer>();
        return new GraphTold(asked.Lacking > 0 && !asked.Turn.IsWaiting, asked.Progress, offers);
    }

    private void FetchPiece(Replica replica, ulong from)
    {
        var coming = replica.Coming!;
        Send(replica, from, source => () =>
        {
            if (replica.Coming != coming || !replica.Turn.IsWaiting) return;
            replica.Turn.OnCame(now);
            if (++replica.Pieces < Pieces)
            {
                FetchPiece(replica, from);
                return;
            }

            replica.Coming = null;
            if (coming.Name == Name(from, isFalse: true))
            {
                replica.Refused.Add(coming.Name);
                replica.Turn.OnRefused();
            }
            else
            {
                replica.Loan = round;
                replica.Turn.OnFetched();
            }
        });
    }

    /// <summary>There and back: either way may take long or for ever, and both must live.</summary>
    private void Send(Replica asker, ulong to, Func<Replica, Action> answer)
    {
        var (asked, life) = (replicas[(int)to - 1], asker.Lives);
        if (!isCalm && dice.Chance(0.05)) return;
        messages.Add((now + Delay(), () =>
        {
            if (asked.IsDead || asked.IsMute || (!isCalm && dice.Chance(0.05))) return;
            var what = answer(asked);
            messages.Add((now + Delay(), () =>
            {
                if (!asker.IsDead && asker.Lives == life) what();
            }));
        }));
    }

    private long Delay() => isCalm ? dice.Next(1, 40) : dice.Chance(0.02) ? dice.Next(8000) : dice.Next(1, 200);

    private void Deliver()
    {
        for (var at = 0; at < messages.Count;)
        {
            if (messages[at].At > now)
            {
                at++;
                continue;
            }

            var what = messages[at].What;
            messages.RemoveAt(at);
            what();
        }
    }

    private FileHash Name(ulong node, bool isFalse)
    {
        Span<byte> bytes = stackalloc byte[FileHash.Size];
        (bytes[0], bytes[1], bytes[2]) = ((byte)node, (byte)round, isFalse ? (byte)1 : (byte)0);
        return new FileHash(bytes);
    }

    private sealed class Replica(ulong node)
    {
        public ulong Node => node;

        public BuildTurn Turn { get; set; } = null!;

        public int Rows { get; private set; }

        public int Lacking { get; set; }

        public int Has { get; set; }

        public ulong Progress { get; set; }

        public long WaitsSince { get; set; } = -1;

        public bool WasAlone { get; set; }

        public bool IsDead { get; private set; }

        public bool IsHanging { get; set; }

        public bool IsCrawling { get; set; }

        public bool IsFalse { get; set; }

        public bool IsMute { get; set; }

        public int Lives { get; private set; }

        public int Loan { get; set; }

        public int Pieces { get; set; }

        public GraphOffer? Coming { get; set; }

        public HashSet<FileHash> Refused { get; } = [];

        public void Begin(int rows, long now, bool isAway)
        {
            (Rows, Lacking, Has) = (rows, rows, 0);
            if (isAway) Die(now);
        }

        public void Die(long now)
        {
            if (IsDead) return;
            (IsDead, Lives, WaitsSince, Coming, Loan) = (true, Lives + 1, -1, null, 0);
            Progress = (ulong)now;
        }

        /// <summary>It is as it should be, and if it was dead it begins anew: with the rows that it lacked.</summary>
        public void Revive(BuildTurn turn)
        {
            if (IsDead) Turn = turn;
            if (IsDead) Refused.Clear();
            (IsDead, IsHanging, IsCrawling, IsFalse, IsMute) = (false, false, false, false, false);
        }
    }
}
