using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client.Tests;

/// <summary>Users and passwords: asked for once, and again when the token is not taken any more.</summary>
public sealed class SignInTests
{
    [Fact]
    public async Task A_user_signs_in_and_stays_signed_in_over_changes_of_users()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var root = Client(door, "root", "secret");
        using var nobody = Door.Client(door);
        using var wrong = Client(door, "root", "guess");

        // While auth is off the name is not asked for.
        await root.PutAsync("a", "1");
        using var channel = GrpcChannel.ForAddress($"http://{door.Address}");
        var auth = new Auth.AuthClient(channel);
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "secret" });
        await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        await auth.AuthEnableAsync(new AuthEnableRequest());

        Assert.Equal("1", (await root.GetAsync("a"))?.Value.ToStringUtf8());
        await root.PutAsync("a", "2");
        await Assert.ThrowsAsync<RpcException>(() => nobody.GetAsync("a"));
        await Assert.ThrowsAsync<RpcException>(() => wrong.GetAsync("a"));
        // The token is from before this change.
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "ann", Password = "x" }, new Metadata { { "token", await TokenAsync(auth) } });
        await root.PutAsync("a", "3");
        await auth.UserChangePasswordAsync(new AuthUserChangePasswordRequest { Name = "ann", Password = "y" }, new Metadata { { "token", await TokenAsync(auth) } });
        Assert.Equal("3", (await root.GetAsync("a"))?.Value.ToStringUtf8());
        await using var held = await root.LockAsync("job", new TenureOptions { Ttl = TimeSpan.FromSeconds(5) });
        Assert.Single((await root.GetPrefixAsync("job/")).Kvs);
    }

    private static async Task<string> TokenAsync(Auth.AuthClient auth) => (await auth.AuthenticateAsync(new AuthenticateRequest { Name = "root", Password = "secret" })).Token;

    private static HoldfastClient Client(Door door, string user, string password) => new(new HoldfastClientOptions { Endpoints = [door.Address.ToString()], User = user, Password = password });
}
