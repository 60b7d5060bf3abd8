using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Holdfast.Coordination.Endpoints.Port;

/// <summary>Marks the connections of an address at which only pages are served; a request finds the mark among its connection's features.</summary>
internal sealed class ForPages
{
    private static readonly ForPages Yes = new();

    private ForPages()
    {
    }

    /// <summary>Marks whatever comes in at this address.</summary>
    public static void Mark(ListenOptions listen) => listen.Use(next => connection =>
    {
        connection.Features.Set(Yes);
        return next(connection);
    });
}
