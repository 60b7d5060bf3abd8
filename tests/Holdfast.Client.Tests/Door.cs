using System.Net;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client.Tests;

/// <summary>Front doors of one keyspace in this process, on free ports of loopback.</summary>
internal sealed class Door : IAsyncDisposable
{
    private readonly CoordinationEndpoint endpoint;

    private Door(CoordinationEndpoint endpoint) => this.endpoint = endpoint;

    public IPEndPoint Address => endpoint.Addresses[0];

    /// <summary>A client that asks here first, then there; patient, for machines that build beside.</summary>
    public static HoldfastClient Client(params IReadOnlyList<Door> doors) =>
        new(new HoldfastClientOptions { Endpoints = [.. doors.Select(door => door.Address.ToString())], Timeout = TimeSpan.FromMinutes(1) });

    /// <summary>A keyspace whose time stands still, to be served at as many doors as wanted.</summary>
    public static LocalCoordination Keyspace(CoordinationOptions? options = null) => new(new CoordinationIdentity { ClusterId = 7, MemberId = 9, Members = () => [new Member { ID = 9, Name = "n1" }] }, options);

    public static async Task<Door> OpenAsync(LocalCoordination keyspace, int port = 0) =>
        new(await CoordinationEndpoint.StartAsync(keyspace.Face, new CoordinationEndpointOptions { Listen = [new IPEndPoint(IPAddress.Loopback, port)] }));

    public ValueTask DisposeAsync() => endpoint.DisposeAsync();
}
