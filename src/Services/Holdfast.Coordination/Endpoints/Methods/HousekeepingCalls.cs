using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>Maintenance calls that need no work here, but that etcd's tools make.</summary>
internal static class HousekeepingCalls
{
    /// <summary>Listing alarms: no alarm is ever raised by this version, so the list is empty. Raising and clearing them is not offered.</summary>
    public static async ValueTask<AlarmResponse> AlarmAsync(ICoordination coordination, AlarmRequest request, CancellationToken cancel)
    {
        if (request.Action == AlarmRequest.Types.AlarmAction.Activate)
            throw new CallException(CallFailure.Unimplemented, "holdfast: alarms cannot be raised by hand");
        var status = await coordination.StatusAsync(new StatusRequest(), cancel).ConfigureAwait(false);
        return new AlarmResponse { Header = status.Header };
    }

    /// <summary>Defragmenting: the store is in memory and has no holes, so this succeeds at once.</summary>
    public static async ValueTask<DefragmentResponse> DefragmentAsync(ICoordination coordination, DefragmentRequest request, CancellationToken cancel)
    {
        var status = await coordination.StatusAsync(new StatusRequest(), cancel).ConfigureAwait(false);
        return new DefragmentResponse { Header = status.Header };
    }
}
