using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests;

/// <summary>
/// The same random users, roles, permissions and requests, asked by random users, to Debian's etcd with auth on and to us: the same results, codes and
/// texts. Left out is where 3.6 differs from 3.4 on purpose: who may use leases and compact without a token, nested transactions (3.4 asks nothing
/// there), impossible ranges, AuthStatus, and what the role root is shown to have (3.6: everything).
/// </summary>
public sealed class AuthDifferentialTests
{
    private static readonly string[] Users = ["root", "u0", "u1", "u2", "nobody"];
    private static readonly string[] Roles = ["root", "r0", "r1", "r2"];
    private static readonly string[] Keys = ["a", "aa", "b", "c", "d", "\0"];
    private readonly Dictionary<string, (string Theirs, string Ours)> tokens = [];
    private readonly Dictionary<string, int> outcomes = [];
    private readonly Local local = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Etcd_and_we_let_the_same_users_do_the_same(ulong seed)
    {
        await using var etcd = await EtcdProcess.StartAsync(null, "--bcrypt-cost", "4");
        var dice = new SeededRandom(seed);
        var (kv, auth, lease) = (new KV.KVClient(etcd.Calls), new Auth.AuthClient(etcd.Calls), new Lease.LeaseClient(etcd.Calls));
        await BeginAsync(auth);
        for (var step = 0; step < 1200; step++)
        {
            // Mostly somebody who signed in; sometimes nobody, or one with a token that is none.
            var name = dice.Next(10) switch { < 3 => "root", 9 => "", 8 => "bad", _ => Users[dice.Next(Users.Length)] };
            if (dice.Chance(0.45)) await KeysAsync(dice, kv, lease, name);
            else if (dice.Chance(0.3)) await SignInAsync(dice, auth);
            else await AdministerAsync(dice, auth, name);
        }

        // Had everything been refused, this would have shown nothing.
        Assert.True(outcomes["ok"] > 250 && outcomes.Count > 8, string.Join('\n', outcomes));
    }

    private async Task BeginAsync(Auth.AuthClient auth)
    {
        await Same("", new AuthUserAddRequest { Name = "root", Password = "root" }, (r, h) => auth.UserAddAsync(r, h), (f, r) => f.Auth.UserAddAsync(r));
        await Same("", new AuthUserGrantRoleRequest { User = "root", Role = "root" }, (r, h) => auth.UserGrantRoleAsync(r, h), (f, r) => f.Auth.UserGrantRoleAsync(r));
        await Same("", new AuthEnableRequest(), (r, h) => auth.AuthEnableAsync(r, h), (f, r) => f.Auth.EnableAsync(r));
        await SignInAsync(auth, "root", "root");
        for (var at = 0; at < 3; at++)
        {
            await Same("root", new AuthRoleAddRequest { Name = $"r{at}" }, (r, h) => auth.RoleAddAsync(r, h), (f, r) => f.Auth.RoleAddAsync(r));
            await Same("root", new AuthUserAddRequest { Name = $"u{at}", Password = $"u{at}" }, (r, h) => auth.UserAddAsync(r, h), (f, r) => f.Auth.UserAddAsync(r));
            await SignInAsync(auth, $"u{at}", $"u{at}");
        }
    }

    private Task SignInAsync(SeededRandom dice, Auth.AuthClient auth)
    {
        var name = Users[dice.Next(Users.Length)];
        return SignInAsync(auth, name, dice.Chance(0.8) ? name : "wrong");
    }

    private async Task SignInAsync(Auth.AuthClient auth, string name, string password)
    {
        var (theirs, ours) = await Same("", new AuthenticateRequest { Name = name, Password = password }, (r, h) => auth.AuthenticateAsync(r, h), (f, r) => f.Auth.AuthenticateAsync(r));
        if (theirs is not null) tokens[name] = (theirs.Token, ours!.Token);
    }

    private async Task KeysAsync(SeededRandom dice, KV.KVClient kv, Lease.LeaseClient lease, string name)
    {
        var key = Key(dice);
        var id = 1 + dice.Next(3);
        switch (dice.Next(8))
        {
            case 0 or 1:
                var put = new PutRequest { Key = key, Value = Local.B($"{dice.Next(9)}"), PrevKv = dice.Chance(0.3), Lease = dice.Chance(0.3) ? id : 0 };
                await Same(name, put, (r, h) => kv.PutAsync(r, h), (f, r) => f.PutAsync(r));
                break;
            case 2 or 3:
                await Same(name, new RangeRequest { Key = key, RangeEnd = End(dice, key), Serializable = dice.Chance(0.3) }, (r, h) => kv.RangeAsync(r, h), (f, r) => f.RangeAsync(r));
                break;
            case 4:
                await Same(name, new DeleteRangeRequest { Key = key, RangeEnd = End(dice, key), PrevKv = dice.Chance(0.4) }, (r, h) => kv.DeleteRangeAsync(r, h), (f, r) => f.DeleteRangeAsync(r));
                break;
            case 5 or 6:
                await Same(name, Txn(dice), (r, h) => kv.TxnAsync(r, h), (f, r) => f.TxnAsync(r));
                break;
            default:
                if (!tokens.ContainsKey(name)) return;
                if (dice.Chance(0.5)) await Same(name, new LeaseGrantRequest { ID = id, TTL = 1000 }, (r, h) => lease.LeaseGrantAsync(r, h), (f, r) => f.LeaseGrantAsync(r));
                else await Same(name, new LeaseRevokeRequest { ID = id }, (r, h) => lease.LeaseRevokeAsync(r, h), (f, r) => f.LeaseRevokeAsync(r));
                break;
        }
    }

    private async Task AdministerAsync(SeededRandom dice, Auth.AuthClient auth, string name)
    {
        var (user, role, key) = (Users[dice.Next(Users.Length)], Roles[dice.Next(Roles.Length)], Key(dice));
        var type = (Permission.Types.Type)dice.Next(3);
        switch (dice.Next(15))
        {
            case 0: await Same(name, new AuthUserAddRequest { Name = dice.Chance(0.1) ? "" : user, Password = user }, (r, h) => auth.UserAddAsync(r, h), (f, r) => f.Auth.UserAddAsync(r)); break;
            case 1: await Same(name, new AuthUserDeleteRequest { Name = user }, (r, h) => auth.UserDeleteAsync(r, h), (f, r) => f.Auth.UserDeleteAsync(r)); break;
            case 2: await Same(name, new AuthUserChangePasswordRequest { Name = user, Password = user }, (r, h) => auth.UserChangePasswordAsync(r, h), (f, r) => f.Auth.UserChangePasswordAsync(r)); break;
            case 3 or 4 or 5: await Same(name, new AuthUserGrantRoleRequest { User = user, Role = role }, (r, h) => auth.UserGrantRoleAsync(r, h), (f, r) => f.Auth.UserGrantRoleAsync(r)); break;
            case 6: await Same(name, new AuthUserRevokeRoleRequest { Name = user, Role = role }, (r, h) => auth.UserRevokeRoleAsync(r, h), (f, r) => f.Auth.UserRevokeRoleAsync(r)); break;
            case 7: await Same(name, new AuthRoleAddRequest { Name = dice.Chance(0.1) ? "" : role }, (r, h) => auth.RoleAddAsync(r, h), (f, r) => f.Auth.RoleAddAsync(r)); break;
            case 8: await Same(name, new AuthRoleDeleteRequest { Role = role }, (r, h) => auth.RoleDeleteAsync(r, h), (f, r) => f.Auth.RoleDeleteAsync(r)); break;
            case 9 or 10:
                var perm = new Permission { Key = key, RangeEnd = End(dice, key), PermType = type };
                await Same(name, new AuthRoleGrantPermissionRequest { Name = role, Perm = perm }, (r, h) => auth.RoleGrantPermissionAsync(r, h), (f, r) => f.Auth.RoleGrantPermissionAsync(r));
                break;
            case 11:
                await Same(name, new AuthRoleRevokePermissionRequest { Role = role, Key = key, RangeEnd = End(dice, key) }, (r, h) => auth.RoleRevokePermissionAsync(r, h), (f, r) => f.Auth.RoleRevokePermissionAsync(r));
                break;
            case 12: await Same(name, new AuthUserGetRequest { Name = user }, (r, h) => auth.UserGetAsync(r, h), (f, r) => f.Auth.UserGetAsync(r)); break;
            case 13: await Same(name, new AuthRoleGetRequest { Role = Roles[1 + dice.Next(3)] }, (r, h) => auth.RoleGetAsync(r, h), (f, r) => f.Auth.RoleGetAsync(r)); break;
            default:
                await Same(name, new AuthUserListRequest(), (r, h) => auth.UserListAsync(r, h), (f, r) => f.Auth.UserListAsync(r));
                await Same(name, new AuthRoleListRequest(), (r, h) => auth.RoleListAsync(r, h), (f, r) => f.Auth.RoleListAsync(r));
                break;
        }
    }

    private static TxnRequest Txn(SeededRandom dice)
    {
        var request = new TxnRequest();
        if (dice.Chance(0.5)) request.Compare.Add(new Compare { Key = Key(dice), Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater });
        for (var count = dice.Next(3); count > 0; count--) request.Success.Add(Operation(dice));
        for (var count = dice.Next(3); count > 0; count--) request.Failure.Add(Operation(dice));
        return request;
    }

    private static RequestOp Operation(SeededRandom dice)
    {
        var key = Key(dice);
        return dice.Next(3) switch
        {
            0 => new RequestOp { RequestPut = new PutRequest { Key = key, Value = Local.B("t") } },
            1 => new RequestOp { RequestRange = new RangeRequest { Key = key, RangeEnd = End(dice, key) } },
            _ => new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key, RangeEnd = End(dice, key), PrevKv = dice.Chance(0.3) } },
        };
    }

    private static ByteString Key(SeededRandom dice) => Local.B(Keys[dice.Next(Keys.Length)]);

    /// <summary>None, from the key on, or one behind the key.</summary>
    private static ByteString End(SeededRandom dice, ByteString key)
    {
        if (dice.Chance(0.4)) return ByteString.Empty;
        if (dice.Chance(0.2)) return ByteString.CopyFrom(0);
        var end = Local.B(Keys[dice.Next(Keys.Length)]);
        return end.Span.SequenceCompareTo(key.Span) > 0 ? end : Local.B("e");
    }

    private async Task<(TResponse? Theirs, TResponse? Ours)> Same<TRequest, TResponse>(
        string name, TRequest request, Func<TRequest, Metadata, AsyncUnaryCall<TResponse>> etcd, Func<ICoordination, TRequest, ValueTask<TResponse>> us)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        var (theirToken, ourToken) = name == "bad" ? ("none.1", "none.1") : tokens.GetValueOrDefault(name);
        var face = ourToken is null ? local.Face : local.Face.As(local.Face.Auth.Identify(ourToken));
        var (theirs, theirError) = await Theirs(request, theirToken is null ? [] : new Metadata { { "token", theirToken } }, etcd);
        var (ours, ourError) = await Ours(face, request, us);
        Assert.True(theirError == ourError, $"{name}: {typeof(TRequest).Name} {request}\netcd: {theirError} {theirs}\n  we: {ourError} {ours}");
        outcomes[theirError ?? "ok"] = outcomes.GetValueOrDefault(theirError ?? "ok") + 1;
        if (ours is null) return (null, null);
        var (left, right) = (Comparable(theirs!), Comparable(ours));
        Assert.True(left == right, $"{name}: {typeof(TRequest).Name} {request}\netcd: {left}\n  we: {right}");
        return (theirs, ours);
    }

    /// <summary>A response as text, without what differs by nature: ids, the term, and the token itself.</summary>
    private static string Comparable(IMessage response)
    {
        var text = response.ToString()!;
        foreach (var field in new[] { "clusterId", "memberId", "raftTerm", "token" })
            text = System.Text.RegularExpressions.Regex.Replace(text, $", \"{field}\": \"[^\"]*\"|\"{field}\": \"[^\"]*\",? ?", "");
        return text;
    }

    private static async Task<(TResponse? Response, string? Error)> Theirs<TRequest, TResponse>(TRequest request, Metadata headers, Func<TRequest, Metadata, AsyncUnaryCall<TResponse>> etcd)
        where TRequest : IMessage<TRequest>
        where TResponse : class
    {
        try
        {
            return (await etcd(request.Clone(), headers), null);
        }
        catch (RpcException failure)
        {
            return (null, $"{(int)failure.StatusCode} {failure.Status.Detail}");
        }
    }

    private static async Task<(TResponse? Response, string? Error)> Ours<TRequest, TResponse>(ICoordination face, TRequest request, Func<ICoordination, TRequest, ValueTask<TResponse>> us)
        where TResponse : class
    {
        try
        {
            return (await us(face, request), null);
        }
        catch (EtcdException failure)
        {
            return (null, $"{(int)failure.Error.Code} {failure.Error.Message}");
        }
    }
}
