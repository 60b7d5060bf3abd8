using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>The verbs of this room among the control calls between nodes. The numbers never change.</summary>
internal static class KeyspaceVerbs
{
    /// <summary>A question about a move, to the leader of its target.</summary>
    public const ushort Move = 0x0301;

    /// <summary>Which shards a node leads, and in which terms.</summary>
    public const ushort Leads = 0x0302;

    public static byte[] EncodeLeads(IEnumerable<(GroupId Group, Term Term)> leads)
    {
        var buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        foreach (var (group, term) in leads)
        {
            writer.WriteUInt64(group.Value);
            writer.WriteUInt64(term.Value);
        }

        return buffer.Written.ToArray();
    }

    public static ImmutableArray<(GroupId Group, Term Term)> DecodeLeads(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var leads = ImmutableArray.CreateBuilder<(GroupId, Term)>();
        while (reader.Rest.Length >= 16) leads.Add((new GroupId(reader.ReadUInt64()), new Term(reader.ReadUInt64())));
        return leads.ToImmutable();
    }
}
