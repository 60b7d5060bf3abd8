using System.Text;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints.Sessions;
using Holdfast.Coordination.Sessions;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Sessions;

/// <summary>
/// Somebody with a session as curl has one, through the production desk: takes a key, renews, gives back, ends the session, or is gone without a word. After an outcome that it does not know it begins with a new session.
/// </summary>
internal sealed class SessionClient(ClusterWorld world, int number) : ClusterClient(world)
{
    private const int Keys = 2;

    private static readonly Mark Waited = new("sim: a key was not given because of its last holder's lock delay");
    private static readonly Mark Vanished = new("sim: the owner of a session was gone without a word");

    private readonly string key = $"job/{number % Keys}";
    private int named;
    private SessionRecord? session;
    private SessionCheck.Owned? owned;
    private bool isHolder;

    private PlantedSessionBug Bug => Enum.TryParse<PlantedSessionBug>(World.Options.Mutation.ToString(), out var bug) ? bug : PlantedSessionBug.None;

    protected override void Act()
    {
        if (Dice.Chance(0.2)) Target = Dice.Next(World.Options.Machines);
        if (session is null) Create();
        else if (!isHolder) Take();
        else if (Dice.Chance(0.5)) Renew();
        else if (Dice.Chance(0.4)) GiveBack();
        else if (Dice.Chance(0.5)) End();
        else
        {
            Vanished.Hit();
            Forget();
            Later(Think());
        }
    }

    private SessionDesk DeskOf(ClusterProcess process) => new(process.Door, () => $"{number}-{++named}", Bug);

    private void Forget() => (session, owned, isHolder) = (null, null, false);

    private void Create()
    {
        var (ttl, delay, calledAt) = (Dice.Next(2, 4), Dice.Next(0, 4), World.Clock.Now);
        var wish = SessionWish.TryParse(Encoding.UTF8.GetBytes($$"""{"TTL":"{{ttl}}s","LockDelay":"{{delay}}s"}"""), out _)!;
        Ask(
            process => DeskOf(process).CreateAsync(wish, default),
            made =>
            {
                (session, owned) = (made, new SessionCheck.Owned(ttl, delay));
                owned.OnRenewed(calledAt);
                Count((ulong)made.Lease);
                Later(Think());
            },
            Refused,
            () => Later(Think()));
    }

    private void Take()
    {
        var (mine, owner) = (session!, owned!);
        Ask(
            async process =>
            {
                var taken = await DeskOf(process).AcquireAsync(mine.Id, key, Text(mine.Id), 0, default);
                if (taken.IsHeld) World.SessionCheck.OnTaken(key, owner, taken.Fence);
                return taken;
            },
            taken =>
            {
                Count((ulong)taken.Fence);
                isHolder = taken.IsHeld;
                if (taken.SessionIsGone) Forget();
                else if (!taken.IsHeld) Waited.Hit();
                Later(taken.IsHeld ? Think() : Dice.NextSpan(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(300)));
            },
            Refused,
            () =>
            {
                Forget();
                Later(Think());
            });
    }

    private void Renew()
    {
        var (mine, owner, calledAt) = (session!, owned!, World.Clock.Now);
        Ask(
            process => DeskOf(process).RenewAsync(mine.Id, default),
            renewed =>
            {
                if (renewed is null) Forget();
                else owner.OnRenewed(calledAt);
                Count(renewed is null ? 0UL : (ulong)mine.Lease);
                Later(Dice.NextSpan(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(1500)));
            },
            Refused,
            () => Later(Think()));
    }

    private void GiveBack()
    {
        var mine = session!;
        World.SessionCheck.OnGivingBack(key, owned!);
        isHolder = false;
        Ask(
            process => DeskOf(process).ReleaseAsync(mine.Id, key, Text("free"), 0, default),
            isDone =>
            {
                Count(isDone ? 1UL : 0);
                Later(Think());
            },
            Refused,
            () =>
            {
                Forget();
                Later(Think());
            });
    }

    private void End()
    {
        var mine = session!;
        owned!.OnEnding(World.Clock.Now);
        Forget();
        Ask(
            async process =>
            {
                await DeskOf(process).DestroyAsync(mine.Id);
                return true;
            },
            _ =>
            {
                Count((ulong)mine.Lease);
                Later(Think());
            },
            Refused,
            () => Later(Think()));
    }

    private void Refused(EtcdError error)
    {
        Forget();
        Target = Dice.Next(World.Options.Machines);
        Later(TimeSpan.FromMilliseconds(10 + Dice.Next(60)));
    }
}
