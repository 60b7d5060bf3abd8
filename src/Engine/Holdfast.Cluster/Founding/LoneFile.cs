using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>What a node without a cluster has to remember: whom it has promised to join, and a note of the face that it waits for.</summary>
/// <param name="Pledge">The cluster that it joins; none while it is alone.</param>
/// <param name="Target">Who asked it to come, "host:port" of the peer port.</param>
/// <param name="Token">The token that came with that.</param>
/// <param name="Note">The face's own.</param>
internal sealed record LoneRecord(ClusterId Pledge, string Target, string Token, byte[] Note)
{
    public static LoneRecord Empty { get; } = new(ClusterId.None, "", "", []);
}

/// <summary>The file "lone" of a data directory that is not part of a cluster yet.</summary>
internal static class LoneFile
{
    private const string Name = "lone";
    private const uint Magic = 0x4E4C4648; // "HFLN"

    /// <summary>Reads it; an empty one when there is none.</summary>
    /// <exception cref="DataDirectoryUnusableException">It is damaged.</exception>
    public static LoneRecord Read(IDisk disk)
    {
        if (SealedFile.Read(disk, Name, Magic) is not { } body) return LoneRecord.Empty;
        var reader = new SpanReader(body);
        var record = new LoneRecord(new ClusterId(reader.ReadUInt64()), reader.ReadText(), reader.ReadText(), reader.ReadBlock().ToArray());
        return reader.IsWhole ? record : throw SealedFile.Damaged(Name);
    }

    /// <summary>Durable when this returns.</summary>
    public static void Write(IDisk disk, LoneRecord record)
    {
        var buffer = new ByteBuffer(1024);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt64(record.Pledge.Value);
        writer.WriteText(record.Target);
        writer.WriteText(record.Token);
        writer.WriteBlock(record.Note);
        SealedFile.Write(disk, Name, Magic, buffer.Written);
    }
}
