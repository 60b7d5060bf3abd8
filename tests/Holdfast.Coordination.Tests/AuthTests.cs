using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using static Holdfast.Coordination.Protocol.Permission.Types.Type;
using static Holdfast.Coordination.Tests.AuthedLocal;

namespace Holdfast.Coordination.Tests;

/// <summary>etcd's rules for who may do what, one by one (S13: everything is asked where it is executed).</summary>
public sealed class AuthTests
{
    [Fact]
    public async Task Auth_needs_root_with_the_root_role_before_it_is_switched_on()
    {
        var local = new Local();
        var auth = local.Face.Auth;
        Assert.Equal(AuthErrors.RootUserNotExist, await ErrorOf(auth.EnableAsync(new AuthEnableRequest())));
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "x" });
        Assert.Equal(AuthErrors.RootRoleNotExist, await ErrorOf(auth.EnableAsync(new AuthEnableRequest())));
        Assert.Equal(EtcdErrors.AuthNotEnabled, await ErrorOf(auth.AuthenticateAsync(new AuthenticateRequest { Name = "root", Password = "x" })));
        await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        await auth.EnableAsync(new AuthEnableRequest());
        Assert.Equal(AuthErrors.UserEmpty, await ErrorOf(Put(local.Face, "a")));
        Assert.Equal(AuthErrors.UserEmpty, await ErrorOf(auth.StatusAsync(new AuthStatusRequest())));
    }

    [Fact]
    public async Task Passwords_open_and_nothing_else_does()
    {
        var keyspace = await StartAsync();
        await keyspace.User("alice", (Readwrite, "a", ""));
        Assert.Equal(AuthErrors.AuthFailed, await ErrorOf(keyspace.Nobody.Auth.AuthenticateAsync(new AuthenticateRequest { Name = "alice", Password = "wrong" })));
        Assert.Equal(AuthErrors.AuthFailed, await ErrorOf(keyspace.Nobody.Auth.AuthenticateAsync(new AuthenticateRequest { Name = "nobody", Password = "alice" })));
        await keyspace.Root.Auth.UserAddAsync(new AuthUserAddRequest { Name = "cert", Options = new UserAddOptions { NoPassword = true } });
        Assert.Equal(AuthErrors.NoPasswordUser, await ErrorOf(keyspace.Nobody.Auth.AuthenticateAsync(new AuthenticateRequest { Name = "cert", Password = "" })));
        var token = await keyspace.Token("alice", "alice");
        await Put(keyspace.With(token), "a");
        Assert.Equal(AuthErrors.InvalidAuthToken, await ErrorOf(Put(keyspace.With(token[..^2] + "AA"), "a")));
        Assert.Equal(AuthErrors.InvalidAuthToken, await ErrorOf(Range(keyspace.With("nonsense"), "a")));
        Assert.Equal(AuthErrors.InvalidAuthToken, await ErrorOf(Range(keyspace.With(""), "a")));
    }

    [Fact]
    public async Task A_hashed_password_is_taken_as_it_is()
    {
        var keyspace = await StartAsync();
        var verifier = Holdfast.Cluster.ScramVerifier.Of("secret", [1, 2, 3], 10);
        var hashed = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(verifier.ToString()));
        await keyspace.Root.Auth.UserAddAsync(new AuthUserAddRequest { Name = "pg", HashedPassword = hashed });
        Assert.Equal(verifier.ToString(), keyspace.Nobody.Identity.Users["pg"].Verifier!.ToString());
        await keyspace.SignIn("pg", "secret");
        Assert.Equal(AuthErrors.InvalidAuthManagement, await ErrorOf(keyspace.Root.Auth.UserAddAsync(new AuthUserAddRequest { Name = "x", HashedPassword = "JDJhJDEw" })));
    }

    [Fact]
    public async Task Tokens_outlive_other_changes_and_are_void_with_the_credentials()
    {
        var keyspace = await StartAsync();
        await keyspace.User("alice", (Readwrite, "a", ""));
        var token = await keyspace.Token("alice", "alice");
        await keyspace.User("bob");
        await Put(keyspace.With(token), "a");
        await keyspace.Root.Auth.UserChangePasswordAsync(new AuthUserChangePasswordRequest { Name = "alice", Password = "new" });
        Assert.Equal(AuthErrors.InvalidAuthToken, await ErrorOf(Put(keyspace.With(token), "a")));
        token = await keyspace.Token("alice", "new");
        await Put(keyspace.With(token), "a");
        await keyspace.Root.Auth.UserDeleteAsync(new AuthUserDeleteRequest { Name = "alice" });
        Assert.Equal(AuthErrors.InvalidAuthToken, await ErrorOf(Put(keyspace.With(token), "a")));
        await keyspace.Root.Auth.UserAddAsync(new AuthUserAddRequest { Name = "alice", Password = "new" });
        Assert.Equal(AuthErrors.InvalidAuthToken, await ErrorOf(Put(keyspace.With(token), "a"))); // Another alice.
    }

    [Fact]
    public async Task Switching_off_opens_everything_and_voids_all_tokens()
    {
        var keyspace = await StartAsync();
        var token = await keyspace.Token("root", "toor");
        await keyspace.With(token).Auth.DisableAsync(new AuthDisableRequest());
        await Put(keyspace.Nobody, "a");
        await Put(keyspace.With(token), "a");
        await keyspace.Nobody.Auth.EnableAsync(new AuthEnableRequest());
        Assert.Equal(AuthErrors.InvalidAuthToken, await ErrorOf(Put(keyspace.With(token), "a")));
        Assert.Equal(AuthErrors.InvalidAuthToken, await ErrorOf(keyspace.With(token).Auth.StatusAsync(new AuthStatusRequest())));
    }

    [Fact] // (S13) A name and revision in an entry are asked about when it is applied, however long it was under way.
    public async Task An_entry_from_before_a_change_is_refused_as_old()
    {
        var keyspace = await StartAsync();
        await keyspace.User("alice", (Readwrite, "a", ""));
        var revision = keyspace.Nobody.Identity.Revision;
        var late = AuthCommand.InTheNameOf(new Requester("alice", revision), Command.Encode(CommandKind.Put, new PutRequest { Key = Local.B("a"), Value = Local.B("late") }));
        await keyspace.Root.Auth.RoleRevokePermissionAsync(new AuthRoleRevokePermissionRequest { Role = "alice", Key = Local.B("a") });
        var reply = await ((IKeyspaceGroup)keyspace.Local.Group).ProposeAsync(late, TestContext.Current.CancellationToken);
        Assert.Equal(AuthErrors.AuthOldRevision, reply.Error);
        Assert.Empty((await Range(keyspace.Root, "a")).Kvs);
    }

    [Fact]
    public async Task Permissions_are_by_access_key_and_range()
    {
        var keyspace = await StartAsync();
        var user = await keyspace.User("u", (Read, "a", "c"), (Write, "w", ""), (Readwrite, "x", "\0"));
        await Range(user, "a", "c");
        await Range(user, "b");
        await Put(user, "w");
        await Put(user, "zzz");
        await Delete(user, "x", "\0", prevKv: true);
        foreach (var refused in new[]
        {
            await ErrorOf(Range(user, "a", "d")), await ErrorOf(Range(user, "c")), await ErrorOf(Range(user, "w")), await ErrorOf(Range(user, "a", "\0")),
            await ErrorOf(Put(user, "a")), await ErrorOf(Put(user, "wa")), await ErrorOf(Put(user, "w", prevKv: true)),
            await ErrorOf(Delete(user, "w", "y")), await ErrorOf(Delete(user, "w", prevKv: true)),
        })
            Assert.Equal(AuthErrors.PermissionDenied, refused);
        await keyspace.Root.Auth.UserRevokeRoleAsync(new AuthUserRevokeRoleRequest { Name = "u", Role = "u" });
        Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(Put(user, "w")));
    }

    [Fact] // What CVE-2021-28235's neighbours were about: no branch and no depth is a way around.
    public async Task A_transaction_is_asked_about_all_of_it_however_deep()
    {
        var keyspace = await StartAsync();
        var user = await keyspace.User("u", (Readwrite, "a", "b"));
        var ok = new TxnRequest { Compare = { new Compare { Key = Local.B("a") } }, Success = { Local.PutOp("a", "1"), Local.RangeOp("a") }, Failure = { Local.DeleteOp("a") } };
        await user.TxnAsync(ok);
        RequestOp[] bad =
        [
            Local.PutOp("z", "1"), Local.RangeOp("z"), Local.DeleteOp("z"), Local.DeleteOp("a", "c"),
            new() { RequestTxn = new TxnRequest { Compare = { new Compare { Key = Local.B("z") } } } },
            new() { RequestTxn = new TxnRequest { Failure = { new RequestOp { RequestTxn = new TxnRequest { Success = { Local.PutOp("z", "1") } } } } } },
        ];
        foreach (var operation in bad)
        {
            Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(user.TxnAsync(new TxnRequest { Success = { operation } })));
            Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(user.TxnAsync(new TxnRequest { Failure = { Local.RangeOp("a"), operation } })));
        }

        Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(user.TxnAsync(new TxnRequest { Compare = { new Compare { Key = Local.B("z") } } })));
        Assert.Equal(AuthErrors.UserEmpty, await ErrorOf(keyspace.Nobody.TxnAsync(new TxnRequest { Success = { Local.RangeOp("a") } })));
        Assert.Empty((await Range(keyspace.Root, "z")).Kvs);

        // Seeing what was there, and hanging on a lease, are asked about inside a transaction as outside.
        var writer = await keyspace.User("writer", (Write, "w", ""));
        var prev = new RequestOp { RequestPut = new PutRequest { Key = Local.B("w"), PrevKv = true } };
        Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(writer.TxnAsync(new TxnRequest { Success = { prev } })));
    }

    [Fact]
    public async Task A_lease_belongs_to_those_who_may_write_its_keys()
    {
        var keyspace = await StartAsync();
        var alice = await keyspace.User("alice", (Readwrite, "a", ""));
        var bob = await keyspace.User("bob", (Readwrite, "b", ""));
        await keyspace.Root.LeaseGrantAsync(new LeaseGrantRequest { ID = 7, TTL = 60 });
        await Put(alice, "a", lease: 7);
        Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(Put(bob, "b", lease: 7)));
        Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(bob.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 7 })));
        Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(bob.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 7 })));
        Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(bob.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 7, Keys = true })));
        Assert.Equal(AuthErrors.PermissionDenied, await ErrorOf(bob.LeaseLeasesAsync(new LeaseLeasesRequest())));
        await bob.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 7 });
        foreach (var refused in new[]
        {
            await ErrorOf(keyspace.Nobody.LeaseGrantAsync(new LeaseGrantRequest { TTL = 60 })), await ErrorOf(keyspace.Nobody.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 7 })),
            await ErrorOf(keyspace.Nobody.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 7 })), await ErrorOf(keyspace.Nobody.LeaseLeasesAsync(new LeaseLeasesRequest())),
            await ErrorOf(keyspace.Nobody.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 7 })),
        })
            Assert.Equal(AuthErrors.UserEmpty, refused);
        Assert.Equal(60, (await alice.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 7 })).TTL);
        await keyspace.Root.LeaseLeasesAsync(new LeaseLeasesRequest());
        await alice.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 7 });
    }

    [Fact]
    public async Task Time_still_ends_a_lease_while_auth_is_on()
    {
        var keyspace = await StartAsync();
        await keyspace.Root.LeaseGrantAsync(new LeaseGrantRequest { ID = 7, TTL = 60 });
        await Put(keyspace.Root, "a", lease: 7);
        for (var second = 0; second < 70; second++) await keyspace.Local.Group.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Empty((await Range(keyspace.Root, "a")).Kvs);
    }

    [Fact]
    public async Task A_watch_is_asked_about_when_it_is_created_and_never_after()
    {
        var keyspace = await StartAsync();
        var user = await keyspace.User("u", (Read, "a", "c"));
        var sink = new Sink();
        using var session = user.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("c") });
        session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("d") });
        session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("\0") });
        Assert.Equal([false, true, true], sink.Responses.Select(response => response.Canceled));
        Assert.Equal("rpc error: code = PermissionDenied desc = etcdserver: permission denied", sink.Responses[1].CancelReason);
        Assert.Equal(-1, sink.Responses[1].WatchId);

        // As in etcd a watch goes on when the permission is revoked.
        await keyspace.Root.Auth.RoleDeleteAsync(new AuthRoleDeleteRequest { Role = "u" });
        await Put(keyspace.Root, "a", "1");
        Assert.Equal("2:a=1", sink.Show(0));
        session.Create(new WatchCreateRequest { Key = Local.B("a") });
        Assert.True(sink.Responses[^1].Canceled);

        var stranger = new Sink();
        using var other = keyspace.Nobody.OpenWatch(stranger);
        other.Create(new WatchCreateRequest { Key = Local.B("a") });
        Assert.Equal("rpc error: code = InvalidArgument desc = etcdserver: user name is empty", stranger.Responses[0].CancelReason);
    }

    [Fact]
    public async Task Root_cannot_be_deleted_or_lose_its_role_while_auth_is_on()
    {
        var keyspace = await StartAsync();
        var auth = keyspace.Root.Auth;
        await auth.RoleAddAsync(new AuthRoleAddRequest { Name = "root" });
        Assert.Equal(AuthErrors.InvalidAuthManagement, await ErrorOf(auth.UserDeleteAsync(new AuthUserDeleteRequest { Name = "root" })));
        Assert.Equal(AuthErrors.InvalidAuthManagement, await ErrorOf(auth.UserRevokeRoleAsync(new AuthUserRevokeRoleRequest { Name = "root", Role = "root" })));
        Assert.Equal(AuthErrors.InvalidAuthManagement, await ErrorOf(auth.RoleDeleteAsync(new AuthRoleDeleteRequest { Role = "root" })));
        await auth.DisableAsync(new AuthDisableRequest());
        await keyspace.Nobody.Auth.RoleDeleteAsync(new AuthRoleDeleteRequest { Role = "root" });
        Assert.Empty((await keyspace.Nobody.Auth.UserGetAsync(new AuthUserGetRequest { Name = "root" })).Roles);
    }

    [Fact]
    public async Task Users_see_themselves_and_their_roles_and_change_nothing()
    {
        var keyspace = await StartAsync();
        var user = await keyspace.User("u", (Read, "a", ""));
        await keyspace.User("v");
        Assert.Equal(["u"], (await user.Auth.UserGetAsync(new AuthUserGetRequest { Name = "u" })).Roles);
        Assert.Equal("a", Assert.Single((await user.Auth.RoleGetAsync(new AuthRoleGetRequest { Role = "u" })).Perm).Key.ToStringUtf8());
        foreach (var refused in new[]
        {
            await ErrorOf(user.Auth.UserGetAsync(new AuthUserGetRequest { Name = "v" })), await ErrorOf(user.Auth.RoleGetAsync(new AuthRoleGetRequest { Role = "v" })),
            await ErrorOf(user.Auth.UserListAsync(new AuthUserListRequest())), await ErrorOf(user.Auth.RoleListAsync(new AuthRoleListRequest())),
            await ErrorOf(user.Auth.UserAddAsync(new AuthUserAddRequest { Name = "w", Password = "w" })), await ErrorOf(user.Auth.UserDeleteAsync(new AuthUserDeleteRequest { Name = "v" })),
            await ErrorOf(user.Auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "u", Role = "root" })), await ErrorOf(user.Auth.DisableAsync(new AuthDisableRequest())),
            await ErrorOf(user.Auth.UserChangePasswordAsync(new AuthUserChangePasswordRequest { Name = "root", Password = "mine" })), await ErrorOf(user.CompactAsync(new CompactionRequest { Revision = 1 })),
        })
            Assert.Equal(AuthErrors.PermissionDenied, refused);
        Assert.Equal(["root", "u", "v"], (await keyspace.Root.Auth.UserListAsync(new AuthUserListRequest())).Users);
    }

    [Fact]
    public async Task Changes_that_cannot_be_say_why_in_etcds_words()
    {
        var keyspace = await StartAsync();
        var auth = keyspace.Root.Auth;
        await keyspace.User("u", (Read, "a", ""));
        var perm = new Permission { Key = Local.B("b"), RangeEnd = Local.B("a") };
        (EtcdError Expected, EtcdError Told)[] pairs =
        [
            (AuthErrors.UserEmpty, await ErrorOf(auth.UserAddAsync(new AuthUserAddRequest { Password = "x" }))),
            (AuthErrors.UserAlreadyExists, await ErrorOf(auth.UserAddAsync(new AuthUserAddRequest { Name = "u", Password = "x" }))),
            (AuthErrors.UserNotFound, await ErrorOf(auth.UserDeleteAsync(new AuthUserDeleteRequest { Name = "x" }))),
            (AuthErrors.UserNotFound, await ErrorOf(auth.UserGetAsync(new AuthUserGetRequest { Name = "x" }))),
            (AuthErrors.UserNotFound, await ErrorOf(auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "x", Role = "u" }))),
            (AuthErrors.RoleNotFound, await ErrorOf(auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "u", Role = "x" }))),
            (AuthErrors.RoleNotGranted, await ErrorOf(auth.UserRevokeRoleAsync(new AuthUserRevokeRoleRequest { Name = "u", Role = "x" }))),
            (AuthErrors.RoleEmpty, await ErrorOf(auth.RoleAddAsync(new AuthRoleAddRequest()))),
            (AuthErrors.RoleAlreadyExists, await ErrorOf(auth.RoleAddAsync(new AuthRoleAddRequest { Name = "u" }))),
            (AuthErrors.RoleNotFound, await ErrorOf(auth.RoleGetAsync(new AuthRoleGetRequest { Role = "x" }))),
            (AuthErrors.PermissionNotGiven, await ErrorOf(auth.RoleGrantPermissionAsync(new AuthRoleGrantPermissionRequest { Name = "u" }))),
            (AuthErrors.InvalidAuthManagement, await ErrorOf(auth.RoleGrantPermissionAsync(new AuthRoleGrantPermissionRequest { Name = "u", Perm = perm }))),
            (AuthErrors.PermissionNotGranted, await ErrorOf(auth.RoleRevokePermissionAsync(new AuthRoleRevokePermissionRequest { Role = "u", Key = Local.B("z") }))),
        ];
        foreach (var (expected, told) in pairs) Assert.Equal(expected, told);
    }

    [Fact]
    public async Task The_revision_rises_with_every_change_and_only_then()
    {
        var keyspace = await StartAsync();
        async Task<ulong> Revision() => (await keyspace.Root.Auth.StatusAsync(new AuthStatusRequest())).AuthRevision;
        Assert.Equal(3UL, await Revision()); // One user, one role granted; switching on counts for nothing.
        await keyspace.User("u");
        Assert.Equal(6UL, await Revision());
        await keyspace.Root.Auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "u", Role = "u" });
        await keyspace.Root.Auth.EnableAsync(new AuthEnableRequest());
        await ErrorOf(keyspace.Root.Auth.RoleAddAsync(new AuthRoleAddRequest { Name = "u" }));
        Assert.Equal(6UL, await Revision());
    }
}
