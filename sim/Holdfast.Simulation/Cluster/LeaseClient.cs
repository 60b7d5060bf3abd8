using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Simulation.Cluster;

/// <summary>Holds a lease with a key on it for a while: keeps it alive, lets it go or gives it back, and begins anew.</summary>
internal sealed class LeaseClient(ClusterWorld world) : ClusterClient(world)
{
    /// <summary>Keys that hang on leases.</summary>
    public const string Prefix = "l/";

    private readonly List<long> letGo = [];
    private long lease;
    private int renewalsLeft;

    /// <summary>Its leases are as short as can be, it mostly renews them when their time is just up, and it asks whoever leads: a renewal there is a word, and leaves nothing in the log.</summary>
    private bool IsInsistent => World.Options.Pressure == ClusterPressure.DeposedJudge;

    public override string? Missing()
    {
        foreach (var id in letGo)
            if (!World.LeaseCheck.HasExpired(id)) return $"let lease {id} go, and it never expired";
        return base.Missing();
    }

    protected override void Act()
    {
        if (Dice.Chance(0.2)) Target = Dice.Next(World.Options.Machines);
        if (IsInsistent && World.LeaderOf(ClusterWorld.Keyspace) is { } leader) Target = leader.Machine.Slot;
        if (lease == 0) Grant();
        else if (renewalsLeft-- > 0) KeepAlive();
        else if (Dice.Chance(0.3)) Revoke();
        else LetGo();
    }

    private void Grant()
    {
        var calledAt = World.Clock.Now;
        Ask(
            process => process.Door.LeaseGrantAsync(new LeaseGrantRequest { TTL = IsInsistent ? 1 : Dice.Next(1, 4) }),
            response =>
            {
                World.LeaseCheck.OnPromised(response.ID, calledAt, response.TTL);
                (lease, renewalsLeft) = (response.ID, IsInsistent ? Dice.Next(5, 20) : Dice.Next(0, 5));
                Count((ulong)response.ID);
                Hang();
            },
            Refused,
            () => Later(Think()));
    }

    private void Hang()
    {
        var id = lease;
        Ask(
            process => process.Door.PutAsync(new PutRequest { Key = Text(Prefix + Dice.Next(4)), Value = Text("held"), Lease = id }),
            response =>
            {
                Count((ulong)response.Header.Revision);
                Later(Dice.NextSpan(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(1200)));
            },
            Refused,
            () => Later(Think()));
    }

    private void KeepAlive()
    {
        var (id, calledAt) = (lease, World.Clock.Now);
        Ask(
            process => process.Door.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = id }),
            response =>
            {
                World.LeaseCheck.OnPromised(id, calledAt, response.TTL);
                if (response.TTL <= 0) lease = 0;
                Count((ulong)response.TTL ^ (ulong)id << 8);
                // Now and then it wakes when its time is just up: it may come a moment before its lease is ended, or while it is.
                if (Dice.Chance(IsInsistent ? 0.8 : 0.4)) World.Clock.At(calledAt + TimeSpan.FromSeconds(response.TTL).Ticks + Dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(200)).Ticks, Next);
                else Later(Dice.NextSpan(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(1800)));
            },
            Refused,
            () => Later(Think()));
    }

    private void Revoke()
    {
        var id = lease;
        lease = 0;
        Ask(
            process => process.Door.LeaseRevokeAsync(new LeaseRevokeRequest { ID = id }),
            response =>
            {
                Count((ulong)response.Header.Revision);
                Later(Think());
            },
            Refused,
            () => Later(Think()));
    }

    private void LetGo()
    {
        // What is let go this late has no time left to run out.
        if (World.Clock.Now < World.Options.Storm.Ticks + TimeSpan.FromSeconds(1).Ticks) letGo.Add(lease);
        lease = 0;
        Later(Think());
    }

    private void Refused(EtcdError error)
    {
        if (error == EtcdErrors.LeaseNotFound) lease = 0;
        Target = Dice.Next(World.Options.Machines);
        Later(TimeSpan.FromMilliseconds(10 + Dice.Next(60)));
    }
}
