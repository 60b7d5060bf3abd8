using Microsoft.AspNetCore.Http.Features;

namespace Holdfast.Coordination.Endpoints.Port;

/// <summary>Marks the connections of an address at which only pages are served; a request finds the mark among its connection's features.</summary>
internal sealed class ForPages
{
    private static readonly ForPages Yes = new();

    private ForPages()
    {
    }

    /// <summary>Marks a connection.</summary>
    public static void Mark(IFeatureCollection connection) => connection.Set(Yes);
}
