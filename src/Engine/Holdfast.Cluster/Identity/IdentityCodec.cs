using System.Collections.Immutable;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>Identities as bytes, for snapshots. Every record begins with its kind, so that a reader can say what it does not know.</summary>
public static class IdentityCodec
{
    /// <summary>The format that this binary writes.</summary>
    public const byte FormatVersion = 1;

    private const int ListMax = 65536;

    /// <summary>The version, the revision, the enforced faces and the token secret: what comes before the records.</summary>
    public static void WriteHead(SpanWriter writer, IdentityView view)
    {
        writer.WriteByte(FormatVersion);
        writer.WriteUInt64(view.Revision);
        writer.WriteByte((byte)view.Enforced.Count);
        foreach (var face in view.Enforced.Order()) writer.WriteByte((byte)face);
        writer.WriteBlock(view.TokenSecret);
    }

    /// <summary>Reads a head; null when it is of another format or not whole.</summary>
    public static IdentityView? ReadHead(ref SpanReader reader)
    {
        if (reader.ReadByte() != FormatVersion) return null;
        var revision = reader.ReadUInt64();
        var enforced = ImmutableHashSet<Face>.Empty;
        for (var left = reader.ReadByte(); left > 0 && reader.IsWhole; left--) enforced = enforced.Add((Face)reader.ReadByte());
        var secret = reader.ReadBlock().ToArray();
        return reader.IsWhole ? new IdentityView { Revision = revision, Enforced = enforced, TokenSecret = secret } : null;
    }

    /// <summary>A user.</summary>
    public static void Write(SpanWriter writer, UserRecord user)
    {
        writer.WriteByte((byte)RecordKind.User);
        writer.WriteText(user.Name);
        writer.WriteUInt64(user.CredentialRevision);
        writer.WriteFlag(user.IsEnabled);
        writer.WriteFlag(user.HasNoPassword);
        writer.WriteText(user.Verifier?.ToString() ?? "");
        WriteNames(writer, user.Sha256Passwords);
        WriteNames(writer, user.Roles);
        WriteGrants(writer, user.Grants);
    }

    /// <summary>A role.</summary>
    public static void Write(SpanWriter writer, RoleRecord role)
    {
        writer.WriteByte((byte)RecordKind.Role);
        writer.WriteText(role.Name);
        WriteGrants(writer, role.Grants);
    }

    /// <summary>A key.</summary>
    public static void Write(SpanWriter writer, ApiKeyRecord key)
    {
        writer.WriteByte((byte)RecordKind.ApiKey);
        writer.WriteText(key.Id);
        writer.WriteBlock(key.SecretHash);
        WriteNames(writer, key.Roles);
        writer.WriteUInt64((ulong)key.ExpiresMicros);
    }

    /// <summary>Reads one record into a view; null when it is not whole or of a kind that this binary does not know.</summary>
    public static IdentityView? ReadRecord(ref SpanReader reader, IdentityView into)
    {
        switch ((RecordKind)reader.ReadByte())
        {
            case RecordKind.User:
                var user = ReadUser(ref reader);
                return reader.IsWhole ? into with { Users = into.Users.SetItem(user.Name, user) } : null;
            case RecordKind.Role:
                var role = new RoleRecord(reader.ReadText(), ReadGrants(ref reader));
                return reader.IsWhole ? into with { Roles = into.Roles.SetItem(role.Name, role) } : null;
            case RecordKind.ApiKey:
                var key = new ApiKeyRecord
                {
                    Id = reader.ReadText(),
                    SecretHash = reader.ReadBlock().ToArray(),
                    Roles = ReadNames(ref reader),
                    ExpiresMicros = (long)reader.ReadUInt64(),
                };
                return reader.IsWhole ? into with { ApiKeys = into.ApiKeys.SetItem(key.Id, key) } : null;
            default:
                return null;
        }
    }

    private static UserRecord ReadUser(ref SpanReader reader) => new()
    {
        Name = reader.ReadText(),
        CredentialRevision = reader.ReadUInt64(),
        IsEnabled = reader.ReadFlag(),
        HasNoPassword = reader.ReadFlag(),
        Verifier = ScramVerifier.Parse(reader.ReadText()),
        Sha256Passwords = ReadNames(ref reader),
        Roles = ReadNames(ref reader),
        Grants = ReadGrants(ref reader),
    };

    private static void WriteNames(SpanWriter writer, ImmutableArray<string> names)
    {
        writer.WriteUInt32((uint)names.Length);
        foreach (var name in names) writer.WriteText(name);
    }

    private static ImmutableArray<string> ReadNames(ref SpanReader reader)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        for (var left = ReadCount(ref reader); left > 0 && reader.IsWhole; left--) names.Add(reader.ReadText());
        return names.ToImmutable();
    }

    private static void WriteGrants(SpanWriter writer, ImmutableArray<Grant> grants)
    {
        writer.WriteUInt32((uint)grants.Length);
        foreach (var grant in grants)
        {
            writer.WriteByte((byte)grant.Face);
            writer.WriteByte((byte)grant.Access);
            writer.WriteByte((byte)grant.Kind);
            writer.WriteBlock(grant.Start);
            writer.WriteBlock(grant.End);
            writer.WriteText(grant.Detail);
        }
    }

    private static ImmutableArray<Grant> ReadGrants(ref SpanReader reader)
    {
        var grants = ImmutableArray.CreateBuilder<Grant>();
        for (var left = ReadCount(ref reader); left > 0 && reader.IsWhole; left--)
            grants.Add(new Grant
            {
                Face = (Face)reader.ReadByte(),
                Access = (Access)reader.ReadByte(),
                Kind = (ScopeKind)reader.ReadByte(),
                Start = reader.ReadBlock().ToArray(),
                End = reader.ReadBlock().ToArray(),
                Detail = reader.ReadText(),
            });
        return grants.ToImmutable();
    }

    private static uint ReadCount(ref SpanReader reader)
    {
        var count = reader.ReadUInt32();
        if (count <= ListMax) return count;
        reader.Take(int.MaxValue); // No longer whole: its owner refuses all of it.
        return 0;
    }

    private enum RecordKind : byte
    {
        User = 1,
        Role = 2,
        ApiKey = 3,
    }
}
