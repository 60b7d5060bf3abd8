using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests;

/// <summary>Auth over three replicas: one secret, one revision, wherever a client comes in.</summary>
public sealed class AuthReplicatedTests
{
    [Fact]
    public void A_token_of_one_node_is_good_on_every_node_and_void_on_every_node()
    {
        var cluster = new FaceCluster();
        var (leader, follower) = (cluster.Leader.Face, cluster.Follower.Face);
        cluster.Run(leader.Auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "r" }));
        cluster.Run(leader.Auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" }));
        cluster.Run(leader.Auth.EnableAsync(new AuthEnableRequest()));
        var token = cluster.Run(follower.Auth.AuthenticateAsync(new AuthenticateRequest { Name = "root", Password = "r" })).Token;
        foreach (var node in cluster.Nodes)
        {
            cluster.Run(node.Face.RefreshIdentityAsync(CancellationToken.None));
            cluster.Run(node.Face.As(node.Face.Auth.Identify(token)).PutAsync(new PutRequest { Key = Local.B("a") }));
            Assert.Equal(AuthErrors.UserEmpty, Error(() => cluster.Run(node.Face.PutAsync(new PutRequest { Key = Local.B("a") }))));
        }

        var root = leader.As(leader.Auth.Identify(token));
        cluster.Run(root.Auth.UserChangePasswordAsync(new AuthUserChangePasswordRequest { Name = "root", Password = "new" }));
        foreach (var node in cluster.Nodes)
            Assert.Equal(AuthErrors.InvalidAuthToken, Error(() => cluster.Run(node.Face.As(node.Face.Auth.Identify(token)).RangeAsync(new RangeRequest { Key = Local.B("a") }))));
        cluster.Pass(TimeSpan.FromSeconds(1));
        Assert.Single(cluster.Nodes.Select(node => (node.Machine.StateHash, node.Machine.Auth.View.Revision)).Distinct());
    }

    [Fact] // (S13, S25) An entry that was refused as old was not executed, so it is proposed again; the client sees nothing of it.
    public void A_follower_that_has_not_heard_of_a_change_asks_again_after_it_has()
    {
        var cluster = new FaceCluster();
        var (leader, follower) = (cluster.Leader.Face, cluster.Follower);
        cluster.Run(leader.Auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "r" }));
        cluster.Run(leader.Auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" }));
        cluster.Run(leader.Auth.EnableAsync(new AuthEnableRequest()));
        var token = cluster.Run(follower.Face.Auth.AuthenticateAsync(new AuthenticateRequest { Name = "root", Password = "r" })).Token;
        var caller = follower.Face.Auth.Identify(token);
        for (var round = 0; round < 20; round++)
        {
            // Both are under way at once: whichever comes first, the put is executed.
            var change = leader.As(caller).Auth.RoleAddAsync(new AuthRoleAddRequest { Name = $"r{round}" });
            var put = follower.Face.As(caller).PutAsync(new PutRequest { Key = Local.B("a"), Value = Local.B($"{round}") });
            cluster.Run(put);
            cluster.Run(change);
        }

        Assert.Equal("19", cluster.Run(follower.Face.As(caller).RangeAsync(new RangeRequest { Key = Local.B("a") })).Kvs[0].Value.ToStringUtf8());
    }

    private static EtcdError Error(Action call) => Assert.Throws<EtcdException>(call).Error;
}
