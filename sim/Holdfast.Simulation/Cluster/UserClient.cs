using Holdfast.Coordination;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Simulation.Cluster;

/// <summary>Puts and reads in the name of the user whose permissions change (<see cref="AuthCheck"/>).</summary>
internal sealed class UserClient(ClusterWorld world) : ClusterClient(world)
{
    private static readonly Caller Me = new(CallerKind.Certificate, AuthCheck.User, 0);

    protected override void Act()
    {
        Target = Dice.Next(World.Options.Machines);
        var key = Text(AuthCheck.Prefix + Dice.Next(3));
        if (Dice.Chance(0.5)) Do("a put", async process => (await process.Face.As(Me).PutAsync(new PutRequest { Key = key, Value = Text("by u") })).Header.Revision);
        else Do("a read", process => Read(process, new RangeRequest { Key = key }));
    }

    private async ValueTask<long> Read(ClusterProcess process, RangeRequest request)
    {
        if (World.Options.Mutation != ClusterMutation.ReadPermissionAskedBeforeBarrier) return (await process.Face.As(Me).RangeAsync(request)).Header.Revision;
        await process.Face.As(Me).RangeAsync(new RangeRequest(request) { Serializable = true });
        return (await process.Face.As(AuthAdmin.Root).RangeAsync(request)).Header.Revision;
    }

    private void Do(string what, Func<ClusterProcess, ValueTask<long>> ask)
    {
        var whenAsked = World.AuthCheck.Known;
        Ask(
            ask,
            revision =>
            {
                World.AuthCheck.OnAnswered(whenAsked, wasServed: true, what);
                Count((ulong)revision);
                Later(Think());
            },
            error =>
            {
                if (error == AuthErrors.PermissionDenied)
                {
                    World.AuthCheck.OnAnswered(whenAsked, wasServed: false, what);
                    Count(1);
                }

                Later(TimeSpan.FromMilliseconds(5 + Dice.Next(40)));
            },
            () => Later(Think()));
    }
}
