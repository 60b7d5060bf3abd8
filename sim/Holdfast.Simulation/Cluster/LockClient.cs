using System.Globalization;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints.Locks;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Locks;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Contends for a lock with a lease of its own, through the production lock service; while it has the lock it writes under its token, now and then so late that
/// the lock is another's by then. After an outcome that it does not know it begins with a new lease.
/// </summary>
internal sealed class LockClient(ClusterWorld world, int number) : ClusterClient(world)
{
    private const int Locks = 2;

    private static readonly Mark GivenUp = new("sim: a contender gave up waiting for a lock");
    private static readonly Mark HeldTooLate = new("sim: a lock was granted to somebody whose lease was over when he heard of it");
    private static readonly Mark WroteLate = new("sim: a holder's write came after its lock was over");

    private readonly string name = $"lock/{number % Locks}";
    private long lease;
    private long fence;

    private bool IsLeaseSure => World.LeaseCheck.PromisedUntil(lease) > World.Clock.Now;

    protected override void Act()
    {
        if (Dice.Chance(0.2)) Target = Dice.Next(World.Options.Machines);
        if (lease != 0 && !IsLeaseSure) Forget();
        if (lease == 0) Grant();
        else if (fence == 0) Lock();
        else if (Dice.Chance(0.5)) KeepAlive();
        else if (Dice.Chance(0.6)) Write();
        else Unlock();
    }

    private string KeyOf(long holder) => name + "/" + holder.ToString("x", CultureInfo.InvariantCulture);

    private void Forget()
    {
        if (fence != 0) World.LockCheck.OnGivenUp(name, lease);
        (lease, fence) = (0, 0);
    }

    private void Grant()
    {
        var calledAt = World.Clock.Now;
        Ask(
            process => process.Door.LeaseGrantAsync(new LeaseGrantRequest { TTL = Dice.Next(2, 5) }),
            response =>
            {
                World.LeaseCheck.OnPromised(response.ID, calledAt, response.TTL);
                lease = response.ID;
                Count((ulong)response.ID);
                Later(Think());
            },
            Refused,
            () => Later(Think()));
    }

    private void Lock()
    {
        var (mine, floor, calls) = (lease, World.Revisions.Floor, new CancellationTokenSource());
        ClusterProcess? asked = null;
        Ask(
            process => LockAt(asked = process, mine, calls.Token),
            response =>
            {
                if (response is null) return; // Given up meanwhile.
                World.Revisions.OnAnswered(response.Header.Revision, floor, $"a lock of {name}");
                Count((ulong)response.Fence ^ (ulong)mine << 8);
                if (IsLeaseSure)
                {
                    fence = response.Fence;
                    World.LockCheck.OnHeld(name, mine, fence);
                }
                else
                {
                    HeldTooLate.Hit();
                    Forget();
                }

                Later(Think());
            },
            Refused,
            () =>
            {
                GivenUp.Hit();
                // Its connection ends, or it is gone without a word and its place in line stays until its lease ends.
                if (Dice.Chance(0.5)) Travel(() => asked?.WhenAwake(calls.Cancel));
                Forget();
                Later(Think());
            });
    }

    private async ValueTask<LockResponse?> LockAt(ClusterProcess process, long mine, CancellationToken cancel)
    {
        try
        {
            var response = await LockCalls.LockAsync(process.Door, new LockRequest { Name = Text(name), Lease = mine }, cancel);
            if (World.Options.Mutation == ClusterMutation.FenceCountedInMemory) response.Fence = ++process.LocksGranted;
            // Whether or not anybody still waits for it.
            World.LockCheck.OnGranted(name, KeyOf(mine), mine, response.Fence, response.Header.Revision);
            return response;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private void KeepAlive()
    {
        var (mine, calledAt) = (lease, World.Clock.Now);
        Ask(
            process => process.Door.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = mine }),
            response =>
            {
                World.LeaseCheck.OnPromised(mine, calledAt, response.TTL);
                if (response.TTL <= 0) Forget();
                Count((ulong)response.TTL ^ (ulong)mine << 8);
                Later(Dice.NextSpan(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(700)));
            },
            _ => Later(Think()),
            () => Later(Think()));
    }

    private void Write()
    {
        var (token, mine) = (fence, lease);
        var isLate = Dice.Chance(0.3);
        World.Clock.After(isLate ? Dice.NextSpan(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(5)) : Dice.NextSpan(World.Options.DelayMin, World.Options.DelayMax), () =>
        {
            if (mine != lease || token != fence) WroteLate.Hit();
            World.LockCheck.OnWrite(name, token);
        });
        Later(Dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(200)));
    }

    private void Unlock()
    {
        var key = KeyOf(lease);
        World.LockCheck.OnGivenUp(name, lease);
        fence = 0;
        Ask(
            process => LockCalls.UnlockAsync(process.Door, new UnlockRequest { Key = Text(key) }, default),
            response =>
            {
                Count((ulong)response.Header.Revision);
                Later(Think());
            },
            Refused,
            () =>
            {
                Forget();
                Later(Think());
            });
    }

    private void Refused(EtcdError error)
    {
        Forget();
        Target = Dice.Next(World.Options.Machines);
        Later(TimeSpan.FromMilliseconds(10 + Dice.Next(60)));
    }
}
