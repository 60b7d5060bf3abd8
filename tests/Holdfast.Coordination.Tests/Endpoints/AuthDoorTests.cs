using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Endpoints.SignIn;
using Holdfast.Coordination.Protocol;
using Holdfast.Http.Tests;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>Auth as clients meet it: tokens in gRPC metadata and in the gateway's Authorization header, and calls that are for root alone.</summary>
public sealed class AuthDoorTests
{
    [Fact]
    public async Task A_token_in_the_metadata_names_the_caller()
    {
        var keyspace = await AuthedLocal.StartAsync();
        await keyspace.User("alice", (Permission.Types.Type.Readwrite, "a", ""));
        await using var door = await OpenDoor.OnAsync(keyspace.Nobody);
        var kv = new KV.KVClient(door.Channel);
        var token = (await new Auth.AuthClient(door.Channel).AuthenticateAsync(new AuthenticateRequest { Name = "alice", Password = "alice" })).Token;
        foreach (var header in new[] { "token", "authorization" })
            await kv.PutAsync(new PutRequest { Key = Local.B("a") }, new Metadata { { header, token } });
        await Fails(AuthErrors.PermissionDenied, kv.PutAsync(new PutRequest { Key = Local.B("b") }, new Metadata { { "token", token } }));
        await Fails(AuthErrors.UserEmpty, kv.RangeAsync(new RangeRequest { Key = Local.B("a") }));
        await Fails(AuthErrors.InvalidAuthToken, kv.RangeAsync(new RangeRequest { Key = Local.B("a") }, new Metadata { { "token", "xyz.1" } }));
    }

    [Fact]
    public async Task The_gateway_takes_the_token_from_the_authorization_header()
    {
        var keyspace = await AuthedLocal.StartAsync();
        await using var door = await OpenDoor.OnAsync(keyspace.Nobody);
        var (_, signedIn) = await door.PostAsync("/v3/auth/authenticate", """{"name":"root","password":"toor"}""");
        var token = JsonDocument.Parse(signedIn).RootElement.GetProperty("token").GetString()!;
        Assert.Equal((200, true), await PostAsync(door, "/v3/kv/put", """{"key":"YQ==","value":"MQ=="}""", token));
        Assert.Equal((401, false), await PostAsync(door, "/v3/kv/put", """{"key":"YQ=="}""", "wrong"));
        var (status, body) = await door.PostAsync("/v3/kv/put", """{"key":"YQ=="}""");
        Assert.Equal((400, """{"error":"etcdserver: user name is empty","message":"etcdserver: user name is empty","code":3}"""), (status, body));
        Assert.Equal((200, true), await PostAsync(door, "/v3/auth/user/add", """{"name":"bob","password":"bob"}""", token));
        Assert.Equal((200, true), await PostAsync(door, "/v3/auth/role/add", """{"name":"r"}""", token));
        Assert.Equal((200, true), await PostAsync(door, "/v3/auth/role/grant", """{"name":"r","perm":{"permType":"READWRITE","key":"YQ==","range_end":"Yg=="}}""", token));
        Assert.Equal((200, true), await PostAsync(door, "/v3/auth/user/grant", """{"user":"bob","role":"r"}""", token));
        Assert.Equal((400, false), await PostAsync(door, "/v3/auth/authenticate", """{"name":"bob","password":"wrong"}""", null));
    }

    [Fact]
    public async Task What_is_not_about_keys_is_for_root_and_members_status_and_alarms_are_told_to_users()
    {
        var keyspace = await AuthedLocal.StartAsync();
        await keyspace.User("alice");
        await using var door = await OpenDoor.OnAsync(keyspace.Nobody);
        var (root, alice) = (new Metadata { { "token", await keyspace.Token("root", "toor") } }, new Metadata { { "token", await keyspace.Token("alice", "alice") } });
        var (maintenance, members) = (new Maintenance.MaintenanceClient(door.Channel), new Protocol.Cluster.ClusterClient(door.Channel));
        await maintenance.StatusAsync(new StatusRequest(), root);
        await maintenance.HashKVAsync(new HashKVRequest(), root);
        await members.MemberListAsync(new MemberListRequest(), alice);
        Assert.Equal(Local.Identity.MemberId, (await maintenance.StatusAsync(new StatusRequest(), alice)).Header.MemberId);
        Assert.Empty((await maintenance.AlarmAsync(new AlarmRequest(), alice)).Alarms);
        await Fails(AuthErrors.PermissionDenied, maintenance.HashKVAsync(new HashKVRequest(), alice));
        await Fails(AuthErrors.PermissionDenied, maintenance.HashAsync(new HashRequest(), alice));
        await Fails(AuthErrors.PermissionDenied, maintenance.DefragmentAsync(new DefragmentRequest(), alice));
        await Fails(AuthErrors.PermissionDenied, maintenance.MoveLeaderAsync(new MoveLeaderRequest(), alice));
        await Fails(AuthErrors.PermissionDenied, maintenance.DowngradeAsync(new DowngradeRequest(), alice));

        // Listing an alarm is one thing, raising and clearing another.
        var raise = new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, MemberID = 5, Alarm = AlarmType.Nospace };
        await Fails(AuthErrors.PermissionDenied, maintenance.AlarmAsync(raise, alice));
        await Fails(AuthErrors.UserEmpty, maintenance.AlarmAsync(raise));
        await Fails(AuthErrors.UserEmpty, maintenance.AlarmAsync(new AlarmRequest()));
        Assert.Single((await maintenance.AlarmAsync(raise, root)).Alarms);
        Assert.Equal(5UL, Assert.Single((await maintenance.AlarmAsync(new AlarmRequest(), alice)).Alarms).MemberID);
        var clear = new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate, MemberID = 5, Alarm = AlarmType.Nospace };
        await Fails(AuthErrors.PermissionDenied, maintenance.AlarmAsync(clear, alice));
        Assert.Single((await maintenance.AlarmAsync(clear, root)).Alarms);
        await Fails(AuthErrors.PermissionDenied, members.MemberRemoveAsync(new MemberRemoveRequest { ID = 1 }, alice));
        await Fails(AuthErrors.UserEmpty, maintenance.StatusAsync(new StatusRequest()));
        await Fails(AuthErrors.UserEmpty, members.MemberListAsync(new MemberListRequest()));
        await Fails(AuthErrors.InvalidAuthToken, maintenance.StatusAsync(new StatusRequest(), new Metadata { { "token", "x" } }));
    }

    [Fact]
    public async Task Probes_need_no_name()
    {
        var keyspace = await AuthedLocal.StartAsync();
        await using var door = await OpenDoor.OnAsync(keyspace.Nobody);
        foreach (var page in new[] { "/health", "/health?serializable=true", "/livez", "/readyz", "/metrics", "/version" })
            Assert.Equal(200, (await door.GetAsync(page)).Status);
    }

    [Fact]
    public async Task Administering_the_node_is_for_root()
    {
        var keyspace = await AuthedLocal.StartAsync();
        await keyspace.User("alice");
        await using var door = await OpenDoor.OnAsync(keyspace.Nobody);
        Assert.Equal(400, (await door.PostAsync("/holdfast/v1/leave", "{}")).Status);
        Assert.Equal((403, false), await PostAsync(door, "/holdfast/v1/leave", "{}", await keyspace.Token("alice", "alice")));
        Assert.Equal((404, false), await PostAsync(door, "/holdfast/v1/leave", "{}", await keyspace.Token("root", "toor"))); // No administration here; but root was let through.
    }

    [Fact]
    public async Task A_token_ends_when_it_was_not_used_for_its_time()
    {
        var clock = new HandClock();
        var local = new Local(new CoordinationOptions { Auth = new() { PasswordIterations = 16, Clock = clock, TokenTimeToLive = TimeSpan.FromSeconds(300) } });
        var keyspace = await AuthedLocal.StartAsync(local);
        var token = await keyspace.Token("root", "toor");
        for (var use = 0; use < 5; use++)
        {
            clock.Advance(TimeSpan.FromSeconds(200));
            Assert.Equal(CallerKind.Token, keyspace.Nobody.Auth.Identify(token).Kind);
        }

        clock.Advance(TimeSpan.FromSeconds(301));
        Assert.Equal(CallerKind.Invalid, keyspace.Nobody.Auth.Identify(token).Kind);
        Assert.Equal(CallerKind.Invalid, keyspace.Nobody.Auth.Identify(token).Kind);
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS384")]
    [InlineData("ES256")]
    [InlineData("ES512")]
    [InlineData("HS256")]
    [InlineData("EdDSA")]
    public async Task Json_web_tokens_carry_the_revision_and_every_change_makes_them_old(string method)
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-jwt-");
        try
        {
            var key = WriteKey(folder.FullName, method);
            var clock = new HandClock();
            var keyspace = await AuthedLocal.StartAsync(new Local(new CoordinationOptions { Auth = new() { PasswordIterations = 16, Clock = clock, Jwt = Plan($"sign-method={method},priv-key={key},ttl=60s") } }));
            var alice = await keyspace.User("alice", (Permission.Types.Type.Readwrite, "a", ""));
            await AuthedLocal.Put(alice, "a");
            var token = await keyspace.Token("alice", "alice");
            Assert.Equal(AuthErrors.InvalidAuthToken, await AuthedLocal.ErrorOf(AuthedLocal.Put(keyspace.With(Forge(token)), "a")));

            var root = await keyspace.SignIn("root", "toor");
            await root.Auth.UserAddAsync(new AuthUserAddRequest { Name = "bob", Password = "bob" });
            Assert.Equal(AuthErrors.AuthOldRevision, await AuthedLocal.ErrorOf(AuthedLocal.Put(keyspace.With(token), "a")));
            Assert.Equal(AuthErrors.AuthOldRevision, await AuthedLocal.ErrorOf(AuthedLocal.Range(keyspace.With(token), "a")));
            token = await keyspace.Token("alice", "alice");
            await AuthedLocal.Put(keyspace.With(token), "a");
            clock.Advance(TimeSpan.FromSeconds(61));
            Assert.Equal(AuthErrors.InvalidAuthToken, await AuthedLocal.ErrorOf(AuthedLocal.Put(keyspace.With(token), "a")));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [Fact]
    public void A_token_cannot_choose_its_algorithm()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-jwt-");
        try
        {
            // The classic: HS256 with the public key's text as the secret, and "none".
            using var rsa = RSA.Create(2048);
            var publicKey = Path.Combine(folder.FullName, "pub.pem");
            File.WriteAllText(publicKey, rsa.ExportSubjectPublicKeyInfoPem());
            var desk = new JwtDesk(Plan($"sign-method=RS256,pub-key={publicKey}"), TimeProvider.System);
            var claims = Encode("""{"username":"root","revision":9,"exp":9999999999}""");
            var mac = Encode("""{"alg":"HS256","typ":"JWT"}""") + "." + claims;
            var forged = mac + "." + System.Buffers.Text.Base64Url.EncodeToString(HMACSHA256.HashData(File.ReadAllBytes(publicKey), System.Text.Encoding.ASCII.GetBytes(mac)));
            Assert.Equal(Caller.Invalid, desk.Read(forged, new()));
            Assert.Equal(Caller.Invalid, desk.Read(Encode("""{"alg":"none"}""") + "." + claims + ".", new()));
            foreach (var garbage in new[] { "", ".", "..", "a.b", "a.b.c", "\u00e9.b.c", new string('a', 20_000) + ".b.c" }) Assert.Equal(Caller.Invalid, desk.Read(garbage, new()));

            // Whoever has the private key may issue tokens elsewhere; here they are only read.
            var signed = Encode("""{"alg":"RS256","typ":"JWT"}""") + "." + claims;
            var good = signed + "." + System.Buffers.Text.Base64Url.EncodeToString(rsa.SignData(System.Text.Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
            Assert.Equal(new Caller(CallerKind.Jwt, "root", 9), desk.Read(good, new()));
            Assert.Throws<EtcdException>(() => desk.Issue(new Holdfast.Cluster.UserRecord { Name = "a", CredentialRevision = 1 }, new()));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    /// <summary>RFC 8037, appendix A: key, message and signature as they stand there; what was signed by others is believed here, and the other way round.</summary>
    [Fact]
    public void Tokens_of_EdDSA_are_signed_and_checked_as_the_standard_says()
    {
        var secret = System.Buffers.Text.Base64Url.DecodeFromChars("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        var shown = System.Buffers.Text.Base64Url.DecodeFromChars("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        var message = System.Text.Encoding.ASCII.GetBytes("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
        const string Signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        var (own, their) = (EdwardsPem("PRIVATE KEY", EdwardsPrivate, secret), EdwardsPem("PUBLIC KEY", EdwardsPublic, shown));
        Assert.Equal(Signature, System.Buffers.Text.Base64Url.EncodeToString(TokenSeal.Of("EdDSA", their, own).Sign(message)));
        var checking = TokenSeal.Of("EdDSA", their, null);
        var signature = System.Buffers.Text.Base64Url.DecodeFromChars(Signature);
        Assert.True(checking.Verify(message, signature));
        signature[3] ^= 1;
        Assert.False(checking.Verify(message, signature));
        Assert.False(checking.Verify(message, []));

        // Keys that do not belong together, or are of another kind.
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[][] wrong = [EdwardsPem("PUBLIC KEY", EdwardsPublic, secret), System.Text.Encoding.ASCII.GetBytes(ecdsa.ExportSubjectPublicKeyInfoPem()), own];
        Assert.All(wrong, key => Assert.Throws<CryptographicException>(() => TokenSeal.Of("EdDSA", key, own)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("sign-method=none")]
    [InlineData("sign-method=EdDSA,priv-key=x")]
    [InlineData("sign-method=EdDSA")]
    [InlineData("sign-method=RS256")]
    [InlineData("sign-method=HS256,priv-key=/nowhere")]
    [InlineData("sign-method=HS256,sign-method=HS256")]
    [InlineData("sign-method=HS256,ttl=soon")]
    public void Options_that_cannot_be_are_refused_with_a_reason(string options)
    {
        List<string> faults = [];
        Assert.Null(JwtPlan.Parse(options, faults));
        Assert.Single(faults);
    }

    [Fact] // etcd #11826
    public async Task Sign_ins_that_queue_refuse_the_surplus_and_remember_who_was_right()
    {
        var desk = new PasswordDesk(200_000);
        var verifier = Holdfast.Cluster.ScramVerifier.Of("right", [1, 2, 3], 1000);
        Assert.True(await desk.VerifyAsync(verifier, "right", CancellationToken.None));
        var slow = Holdfast.Cluster.ScramVerifier.Of("slow", [1, 2, 3], 500_000);
        using var patience = new CancellationTokenSource();
        var waiting = new List<Task<bool>>();
        var refused = 0;
        for (var at = 0; at < PasswordDesk.WaitingMax + 64; at++)
        {
            try
            {
                waiting.Add(desk.VerifyAsync(slow, "wrong", patience.Token).AsTask());
            }
            catch (EtcdException full)
            {
                Assert.Equal(EtcdErrors.TooManyRequests, full.Error);
                refused++;
            }
        }

        Assert.True(refused > 0);

        // Who was right before does not wait behind them.
        var again = desk.VerifyAsync(verifier, "right", CancellationToken.None);
        Assert.True(again.IsCompletedSuccessfully);
        Assert.True(await again);
        await patience.CancelAsync();
        foreach (var one in waiting) await one.ContinueWith(static _ => { }, TaskScheduler.Default);
        Assert.Contains(waiting, one => one.IsCanceled);
    }

    private static async Task Fails<T>(EtcdError expected, AsyncUnaryCall<T> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(((int)expected.Code, expected.Message), ((int)failure.StatusCode, failure.Status.Detail));
    }

    private static async Task<(int Status, bool IsGood)> PostAsync(OpenDoor door, string path, string json, string? token)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, door.Url + path) { Content = new StringContent(json), Version = HttpVersion.Version11 };
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", token);
        using var response = await client.SendAsync(request);
        return ((int)response.StatusCode, (await response.Content.ReadAsStringAsync()).Contains("\"header\"", StringComparison.Ordinal));
    }

    private static JwtPlan Plan(string options)
    {
        List<string> faults = [];
        return JwtPlan.Parse(options, faults) ?? throw new InvalidOperationException(string.Join("; ", faults));
    }

    private static string WriteKey(string folder, string method)
    {
        var path = Path.Combine(folder, "key.pem");
        using var rsa = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(method == "ES512" ? ECCurve.NamedCurves.nistP521 : ECCurve.NamedCurves.nistP256);
        if (method == "EdDSA") File.WriteAllBytes(path, EdwardsPem("PRIVATE KEY", EdwardsPrivate, RandomNumberGenerator.GetBytes(32)));
        else File.WriteAllText(path, method[0] switch { 'E' => ecdsa.ExportPkcs8PrivateKeyPem(), 'H' => "a long shared secret that both sides have", _ => rsa.ExportPkcs8PrivateKeyPem() });
        return path;
    }

    /// <summary>What stands before a key of Ed25519 in PKCS#8 and in a public key's own form (RFC 8410).</summary>
    private const string EdwardsPrivate = "302e020100300506032b657004220420", EdwardsPublic = "302a300506032b6570032100";

    private static byte[] EdwardsPem(string label, string before, byte[] key) => System.Text.Encoding.ASCII.GetBytes(PemEncoding.WriteString(label, [.. Convert.FromHexString(before), .. key]));

    /// <summary>The same signature under the claims of root.</summary>
    private static string Forge(string token)
    {
        var parts = token.Split('.');
        return $"{parts[0]}.{Encode("""{"username":"root","revision":99,"exp":9999999999}""")}.{parts[2]}";
    }

    private static string Encode(string text) => System.Buffers.Text.Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes(text));
}
