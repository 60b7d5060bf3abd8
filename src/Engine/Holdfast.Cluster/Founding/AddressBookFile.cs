using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// The file "members" of a data directory: the members as this node last knew them. A node that restarts needs its peers before its directory: what the directory says is known only when it is
/// committed, and that takes the peers. The genesis alone does not do: it knows nobody who joined later. A stale address harms nobody, the directory corrects it.
/// </summary>
internal static class AddressBookFile
{
    private const string Name = "members";
    private const uint Magic = 0x424D4648; // "HFMB"

    /// <summary>The members that were written last; none when there is no file, or it is damaged: it only helps.</summary>
    public static IReadOnlyList<MemberRecord> Read(IDisk disk)
    {
        try
        {
            if (SealedFile.Read(disk, Name, Magic) is not { } body) return [];
            var reader = new SpanReader(body);
            var members = new List<MemberRecord>();
            for (var left = Math.Min(reader.ReadUInt16(), (ushort)DirectoryView.MembersMax); left > 0 && reader.IsWhole; left--) members.Add(DirectoryCodec.ReadMember(ref reader));
            return reader.IsWhole ? members : [];
        }
        catch (DataDirectoryUnusableException)
        {
            return [];
        }
    }

    /// <summary>Writes the members; durable when this returns.</summary>
    public static void Write(IDisk disk, IEnumerable<MemberRecord> members)
    {
        var known = members.ToArray();
        var buffer = new ByteBuffer(1024);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16((ushort)known.Length);
        foreach (var member in known) DirectoryCodec.Write(writer, member);
        SealedFile.Write(disk, Name, Magic, buffer.Written);
    }
}
