using System.Buffers;
using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// A whole view that is read as its bytes come in, record by record, and is there as soon as the last one is: what <see cref="DirectoryCodec.WriteInSteps"/> wrote. A record that a piece
/// cuts waits for the next piece, so at most one record is kept beside what is built.
/// </summary>
internal sealed class DirectoryReading
{
    private readonly ByteBuffer unread = new();
    private readonly ImmutableSortedDictionary<NodeId, MemberRecord>.Builder members = DirectoryView.Empty.Members.ToBuilder();
    private readonly ImmutableSortedDictionary<GroupId, GroupRecord>.Builder groups = DirectoryView.Empty.Groups.ToBuilder();
    private readonly ImmutableSortedSet<GroupId>.Builder tombstones = DirectoryView.Empty.Tombstones.ToBuilder();
    private readonly ImmutableSortedDictionary<string, string>.Builder settings = DirectoryView.Empty.Settings.ToBuilder();
    private readonly ImmutableSortedSet<NodeId>.Builder removed = DirectoryView.Empty.Removed.ToBuilder();
    private readonly ImmutableSortedDictionary<string, TokenRecord>.Builder tokens = DirectoryView.Empty.Tokens.ToBuilder();
    private readonly ImmutableSortedDictionary<ulong, ProcedureRecord>.Builder procedures = DirectoryView.Empty.Procedures.ToBuilder();
    private DirectoryView head = DirectoryView.Empty;
    private Section section;
    private uint left;
    private bool isCounted;

    /// <summary>In the order in which they stand.</summary>
    private enum Section : byte
    {
        Head,
        Members,
        Groups,
        Tombstones,
        Settings,
        Removed,
        Tokens,
        Procedures,
        End,
    }

    /// <summary>Whether all of it was read, and nothing came after it.</summary>
    public bool IsWhole => section == Section.End && unread.Length == 0;

    /// <summary>Reads what has come in, as far as records are whole.</summary>
    public void Take(ReadOnlySpan<byte> piece)
    {
        unread.Write(piece);
        var reader = new SpanReader(unread.Written);
        while (TryReadOne(ref reader))
        {
            // The next one.
        }

        unread.DropFirst(unread.Length - reader.Rest.Length);
    }

    /// <summary>What was read; in no time, whatever its size.</summary>
    public DirectoryView ToView() => head with
    {
        Members = members.ToImmutable(),
        Groups = groups.ToImmutable(),
        Tombstones = tombstones.ToImmutable(),
        Settings = settings.ToImmutable(),
        Removed = removed.ToImmutable(),
        Tokens = tokens.ToImmutable(),
        Procedures = procedures.ToImmutable(),
    };

    /// <summary>Reads a step further; false when what it needs has not come in whole.</summary>
    private bool TryReadOne(ref SpanReader reader)
    {
        var attempt = reader;
        switch (section)
        {
            case Section.End:
                return false;
            case Section.Head:
                var read = DirectoryCodec.ReadHead(ref attempt);
                if (!attempt.IsWhole) return false;
                head = read;
                section++;
                break;
            case var _ when !isCounted:
                left = DirectoryCodec.Count(ref attempt);
                isCounted = attempt.IsWhole;
                if (!isCounted) return false;
                break;
            case var _ when left == 0:
                section++;
                isCounted = false;
                break;
            default:
                ReadRecord(ref attempt);
                if (!attempt.IsWhole) return false;
                left--;
                break;
        }

        reader = attempt;
        return true;
    }

    /// <summary>Reads a record of the section, and keeps it if it was there whole.</summary>
    private void ReadRecord(ref SpanReader reader)
    {
        switch (section)
        {
            case Section.Members:
                var member = DirectoryCodec.ReadMember(ref reader);
                if (reader.IsWhole) members[member.Node] = member;
                break;
            case Section.Groups:
                var group = DirectoryCodec.ReadGroup(ref reader);
                if (reader.IsWhole) groups[group.Id] = group;
                break;
            case Section.Tombstones:
                var buried = new GroupId(reader.ReadUInt64());
                if (reader.IsWhole) tombstones.Add(buried);
                break;
            case Section.Settings:
                var (key, value) = (reader.ReadText(), reader.ReadText());
                if (reader.IsWhole) settings[key] = value;
                break;
            case Section.Removed:
                var node = new NodeId(reader.ReadUInt64());
                if (reader.IsWhole) removed.Add(node);
                break;
            case Section.Tokens:
                var (hash, token) = DirectoryCodec.ReadToken(ref reader);
                if (reader.IsWhole) tokens[hash] = token;
                break;
            default:
                var procedure = DirectoryCodec.ReadProcedure(ref reader);
                if (reader.IsWhole) procedures[procedure.Id] = procedure;
                break;
        }
    }
}
