using System.Text;
using Holdfast.Wire;

namespace Holdfast.Cluster.Tests;

public sealed class IdentityTests
{
    [Fact]
    public void A_verifier_is_postgresqls_own_and_knows_its_password_alone()
    {
        // RFC 7677's example: the password "pencil" with this salt and 4096 rounds.
        var verifier = ScramVerifier.Of("pencil", Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
        Assert.Equal("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", verifier.ToString());
        Assert.True(verifier.Matches("pencil"));
        Assert.False(verifier.Matches("Pencil"));
        Assert.Equal(verifier.ToString(), ScramVerifier.Parse(verifier.ToString())!.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")]
    [InlineData("SCRAM-SHA-256$0:AAAA$AAAA:AAAA")]
    [InlineData("SCRAM-SHA-256$99999999:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4096:!!$!!:!!")]
    public void What_is_no_verifier_is_not_taken_for_one(string text) => Assert.Null(ScramVerifier.Parse(text));

    [Fact]
    public void Identities_come_back_from_their_bytes()
    {
        var view = Sample();
        var bytes = new ByteBuffer();
        var writer = new SpanWriter(bytes);
        IdentityCodec.WriteHead(writer, view);
        foreach (var user in view.Users.Values) IdentityCodec.Write(writer, user);
        foreach (var role in view.Roles.Values) IdentityCodec.Write(writer, role);
        foreach (var key in view.ApiKeys.Values) IdentityCodec.Write(writer, key);

        var reader = new SpanReader(bytes.Written);
        var back = IdentityCodec.ReadHead(ref reader)!;
        while (reader.Rest.Length > 0) back = IdentityCodec.ReadRecord(ref reader, back)!;
        Assert.Equal(7UL, back.Revision);
        Assert.True(back.Enforces(Face.Coordination));
        Assert.False(back.Enforces(Face.Keyspace));
        Assert.Equal([1, 2, 3], back.TokenSecret);
        var alice = back.Users["alice"];
        Assert.Equal((5UL, true, false), (alice.CredentialRevision, alice.IsEnabled, alice.HasNoPassword));
        Assert.Equal(["reader", "root"], alice.Roles);
        Assert.Equal(view.Users["alice"].Verifier!.ToString(), alice.Verifier!.ToString());
        Assert.Equal("+@read", Assert.Single(alice.Grants).Detail);
        Assert.True(Assert.Single(back.Roles["reader"].Grants).HasScopeOf(view.Roles["reader"].Grants[0]));
        Assert.Equal(9L, back.ApiKeys["ci"].ExpiresMicros);
    }

    [Fact]
    public void Every_cut_of_the_bytes_is_refused()
    {
        var bytes = new ByteBuffer();
        IdentityCodec.Write(new SpanWriter(bytes), Sample().Users["alice"]);
        for (var length = 0; length < bytes.Length; length++)
        {
            var reader = new SpanReader(bytes.Written[..length]);
            Assert.Null(IdentityCodec.ReadRecord(ref reader, new IdentityView()));
        }
    }

    [Theory]
    [InlineData("a", "", true)]
    [InlineData("b", "", false)]
    [InlineData("c", "", true)]
    [InlineData("c", "f", true)]   // Two grants that touch cover what crosses their border.
    [InlineData("c", "g", false)]
    [InlineData("b", "d", false)]
    [InlineData("x", "\0", true)]  // From the key on.
    [InlineData("c", "\0", false)]
    [InlineData("zz", "", true)]
    public void Grants_cover_single_keys_ranges_and_all_from_a_key_on(string key, string end, bool isCovered)
    {
        var cover = new KeyCover([Range("a", ""), Range("c", "d"), Range("d", "f"), Range("w", "\0"), Range("n", "m")], Face.Coordination, Access.Read);
        Assert.Equal(isCovered, cover.Covers(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(end)));
    }

    [Fact]
    public void A_grant_of_another_face_or_access_covers_nothing()
    {
        Grant[] grants = [Range("a", "z") with { Face = Face.Keyspace }, Range("a", "z") with { Access = Access.Write }];
        Assert.False(new KeyCover(grants, Face.Coordination, Access.Read).Covers("b"u8));
        Assert.True(new KeyCover(grants, Face.Coordination, Access.Write).Covers("b"u8));
    }

    private static Grant Range(string start, string end) => new()
    {
        Face = Face.Coordination,
        Access = Access.Read,
        Kind = ScopeKind.KeyRange,
        Start = Encoding.UTF8.GetBytes(start),
        End = Encoding.UTF8.GetBytes(end),
    };

    private static IdentityView Sample()
    {
        var alice = new UserRecord
        {
            Name = "alice",
            CredentialRevision = 5,
            Verifier = ScramVerifier.Of("secret", [1, 2, 3, 4], 10),
            Sha256Passwords = ["2bb80d53"],
            Roles = ["reader", "root"],
            Grants = [new Grant { Face = Face.Keyspace, Access = Access.Read, Kind = ScopeKind.Pattern, Start = [(byte)'*'], Detail = "+@read" }],
        };
        var view = new IdentityView { Revision = 7, Enforced = [Face.Coordination], TokenSecret = [1, 2, 3] };
        return view with
        {
            Users = view.Users.Add("alice", alice),
            Roles = view.Roles.Add("reader", new RoleRecord("reader", [Range("a", "b")])),
            ApiKeys = view.ApiKeys.Add("ci", new ApiKeyRecord { Id = "ci", SecretHash = new byte[32], Roles = ["reader"], ExpiresMicros = 9 }),
        };
    }
}
