using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>The file "archive": whose archive a folder is. One node of one cluster writes there.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="NodeName">The name of the node that writes it; a wiped node goes on with it under its new incarnation, because what is committed is the same on all.</param>
/// <param name="AuthorityFingerprint">The SHA-256 of the cluster's authority, in hex; empty without TLS.</param>
/// <param name="AuthorityCertificate">The authority's certificate (DER); empty without TLS. Private keys are never in an archive.</param>
internal sealed record ArchiveIdentity(ClusterId Cluster, string NodeName, string AuthorityFingerprint, byte[] AuthorityCertificate)
{
    public const string FileName = "archive";

    private const uint Magic = 0x41424648; // "HFBA"

    /// <summary>Reads it; null where there is none.</summary>
    /// <exception cref="DataDirectoryUnusableException">It is damaged or of a newer version.</exception>
    public static ArchiveIdentity? Read(IDisk disk)
    {
        if (SealedFile.Read(disk, FileName, Magic) is not { } body) return null;
        var reader = new SpanReader(body);
        var identity = new ArchiveIdentity(new ClusterId(reader.ReadUInt64()), reader.ReadText(), reader.ReadText(), reader.ReadBlock().ToArray());
        return reader.IsWhole ? identity : throw new DataDirectoryUnusableException($"the file {FileName} of a backup is damaged: take another node's archive, or an older copy of this one");
    }

    public void Write(IDisk disk)
    {
        var buffer = new ByteBuffer(1024);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt64(Cluster.Value);
        writer.WriteText(NodeName);
        writer.WriteText(AuthorityFingerprint);
        writer.WriteBlock(AuthorityCertificate);
        SealedFile.Write(disk, FileName, Magic, buffer.Written);
    }
}
