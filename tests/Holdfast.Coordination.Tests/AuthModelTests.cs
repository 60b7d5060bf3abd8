using System.Text;
using CsCheck;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Coordination.Tests;

/// <summary>Random permissions against an oracle that is slow and obvious: it looks at every place where what is allowed could end.</summary>
public sealed class AuthModelTests
{
    private static readonly Gen<string> Keys = OneOf("\0", "a", "a\0", "aa", "ab", "b", "ba", "c", "zz");
    private static readonly Gen<string> Ends = OneOf("", "", "\0", "a\0", "aa", "ab", "b", "ba", "c", "d", "zzz");
    private static readonly Gen<(string Key, string End)> Ranges = Gen.Select(Keys, Ends).Where(range => IsPossible(range.Item1, range.Item2));
    private static readonly Gen<Permission.Types.Type> Types = Gen.Int[0, 2].Select(type => (Permission.Types.Type)type);

    [Fact]
    public void Permissions_say_what_the_oracle_says() =>
        Gen.Select(Gen.Select(Ranges, Types).List[0, 7], Gen.Select(Ranges, Types).List[0, 7], Ranges, Gen.Bool).Sample((ours, others, asked, isWrite) =>
        {
            var auth = new AuthStore();
            Do(auth, AuthCommandKind.RoleAdd, new AuthRoleAddRequest { Name = "r" });
            Do(auth, AuthCommandKind.RoleAdd, new AuthRoleAddRequest { Name = "other" });
            foreach (var name in new[] { "root", "u" }) Do(auth, AuthCommandKind.UserAdd, new AuthUserAddRequest { Name = name, Options = new UserAddOptions { NoPassword = true } });
            Do(auth, AuthCommandKind.UserGrantRole, new AuthUserGrantRoleRequest { User = "root", Role = "root" });
            Do(auth, AuthCommandKind.UserGrantRole, new AuthUserGrantRoleRequest { User = "u", Role = "r" });
            var allowed = new List<(string Key, string End, Permission.Types.Type Type)>();
            foreach (var ((key, end), type) in ours)
            {
                Grant(auth, "r", key, end, type);
                allowed.Add((key, end, type));
            }

            foreach (var ((key, end), type) in others) Grant(auth, "other", key, end, type);
            Assert.Null(auth.Apply([(byte)AuthCommandKind.Enable, 1], default));

            var guard = new AuthGuard(auth, new MvccStore());
            var who = new Requester("u", auth.View.Revision);
            var (from, to) = (Local.B(asked.Key), Local.B(asked.End));
            var refused = isWrite
                ? guard.RefusalOf(who, new DeleteRangeRequest { Key = from, RangeEnd = to })
                : guard.RefusalOf(who, new RangeRequest { Key = from, RangeEnd = to });

            // A range that was granted again replaces the access it had, unless another range from the same key stands before it (etcd): then both count.
            var grants = auth.View.Roles["r"].Grants.Select(grant => (Encoding.UTF8.GetString(grant.Start), Encoding.UTF8.GetString(grant.End), grant.Access)).ToList();
            var wanted = isWrite ? Access.Write : Access.Read;
            Assert.Equal(Oracle([.. grants.Where(grant => (grant.Access & wanted) != 0).Select(grant => (grant.Item1, grant.Item2))], asked.Key, asked.End), refused is null);
            Assert.All(allowed, one => Assert.Contains(grants, grant => grant.Item1 == one.Key && grant.Item2 == one.End));
        }, iter: 3000);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Replicas_agree_and_a_snapshot_carries_identities_though_changes_go_on(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var (one, two) = (new CoordinationStateMachine(), new CoordinationStateMachine());
        ulong index = 0;
        for (var step = 0; step < 1500; step++) Both(one, two, ++index, RandomChange(dice, one));
        Assert.Equal(one.StateHash, two.StateHash);

        var restored = new CoordinationStateMachine();
        var (before, hash) = (Image(one), one.StateHash);
        using (var view = one.CaptureSnapshot())
        using (var builder = restored.BeginRestore())
        {
            var chunk = new ByteBuffer();
            while (view.WriteNext(chunk))
            {
                builder.ReadNext(chunk.Written);
                chunk.Clear();
                for (var step = 0; step < 20; step++) Both(one, two, ++index, RandomChange(dice, one));
            }

            builder.Complete();
        }

        Assert.Equal((hash, before), (restored.StateHash, Image(restored)));
        Assert.Equal(restored.Auth.View.Enforces(Face.Coordination), restored.Guard.IsOn);
    }

    /// <summary>Every key of the range is allowed: if some were not, the first of them would be the range's own first or the end of something allowed.</summary>
    private static bool Oracle(List<(string Key, string End)> allowed, string key, string end)
    {
        bool Allows((string Key, string End) range, string point) => range.End switch
        {
            "" => point == range.Key,
            "\0" => string.CompareOrdinal(point, range.Key) >= 0,
            _ => string.CompareOrdinal(point, range.Key) >= 0 && string.CompareOrdinal(point, range.End) < 0,
        };
        List<string> suspects = [key, .. allowed.Select(range => range.End is "" ? range.Key + "\0" : range.End is "\0" ? key : range.End)];
        return suspects.Where(point => Allows((key, end), point)).All(point => allowed.Any(range => Allows(range, point)));
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(at => texts[at]);

    private static bool IsPossible(string key, string end) => end is "" or "\0" || string.CompareOrdinal(key, end) < 0;

    private static void Grant(AuthStore auth, string role, string key, string end, Permission.Types.Type type) => Do(auth, AuthCommandKind.RoleGrantPermission,
        new AuthRoleGrantPermissionRequest { Name = role, Perm = new Permission { Key = Local.B(key), RangeEnd = Local.B(end), PermType = type } });

    private static void Do(AuthStore auth, AuthCommandKind kind, Google.Protobuf.IMessage request) => Assert.Null(auth.Apply(AuthCommand.Encode(kind, request)[1..], default));

    private static void Both(CoordinationStateMachine one, CoordinationStateMachine two, ulong index, byte[] command)
    {
        var (left, right) = (Machine.Apply(one, index, 1, command), Machine.Apply(two, index, 1, command));
        Assert.Equal((left.Error, left.Message), (right.Error, right.Message));
    }

    private static byte[] RandomChange(SeededRandom dice, CoordinationStateMachine machine)
    {
        string[] names = ["root", "a", "b", "c"];
        var (name, role) = (names[dice.Next(4)], names[dice.Next(4)]);
        var key = Local.B(names[dice.Next(4)]);
        var command = dice.Next(13) switch
        {
            0 => AuthCommand.Encode(AuthCommandKind.Enable, [1, 2, 3]),
            1 when dice.Chance(0.2) => AuthCommand.Encode(AuthCommandKind.Disable, new AuthDisableRequest()),
            2 => AuthCommand.Encode(AuthCommandKind.UserAdd, new AuthUserAddRequest { Name = name, HashedPassword = ScramVerifier.Of(name, [1], 1).ToString() }),
            3 when dice.Chance(0.3) => AuthCommand.Encode(AuthCommandKind.UserDelete, new AuthUserDeleteRequest { Name = name }),
            4 => AuthCommand.Encode(AuthCommandKind.UserChangePassword, new AuthUserChangePasswordRequest { Name = name, HashedPassword = ScramVerifier.Of(role, [2], 1).ToString() }),
            5 or 6 => AuthCommand.Encode(AuthCommandKind.UserGrantRole, new AuthUserGrantRoleRequest { User = name, Role = role }),
            7 => AuthCommand.Encode(AuthCommandKind.UserRevokeRole, new AuthUserRevokeRoleRequest { Name = name, Role = role }),
            8 => AuthCommand.Encode(AuthCommandKind.RoleAdd, new AuthRoleAddRequest { Name = role }),
            9 when dice.Chance(0.3) => AuthCommand.Encode(AuthCommandKind.RoleDelete, new AuthRoleDeleteRequest { Role = role }),
            10 => AuthCommand.Encode(AuthCommandKind.RoleGrantPermission, new AuthRoleGrantPermissionRequest { Name = role, Perm = new Permission { Key = key, RangeEnd = Local.B("z"), PermType = Permission.Types.Type.Readwrite } }),
            11 when dice.Chance(0.3) => AuthCommand.Encode(AuthCommandKind.RoleRevokePermission, new AuthRoleRevokePermissionRequest { Role = role, Key = key, RangeEnd = Local.B("z") }),
            _ => RandomCommands.Next(dice, machine.Store.Revision),
        };
        var revision = machine.Auth.View.Revision - (dice.Chance(0.1) ? 1UL : 0);
        return dice.Chance(0.7) ? AuthCommand.InTheNameOf(new Requester(dice.Chance(0.5) ? "root" : name, revision), command) : command;
    }

    private static string Image(CoordinationStateMachine machine)
    {
        var view = machine.Auth.View;
        var image = new StringBuilder($"{view.Revision} {string.Join(',', view.Enforced)} {Convert.ToHexString(view.TokenSecret)}");
        foreach (var user in view.Users.Values) image.Append($"\n{user.Name} {user.CredentialRevision} {user.Verifier} {string.Join(',', user.Roles)}");
        foreach (var role in view.Roles.Values)
            image.Append($"\n{role.Name} {string.Join(' ', role.Grants.Select(grant => $"{grant.Access}:{Convert.ToHexString(grant.Start)}-{Convert.ToHexString(grant.End)}"))}");
        return image.ToString();
    }
}
