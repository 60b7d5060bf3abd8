using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>
/// A disk whose files are encrypted and prove themselves, over one whose files are not: what an archive writes through it can be read with its key alone. Names, sizes and times stay readable.
/// Its files are written from the beginning to the end and by one writer, as an archive's are: a write anywhere else is refused.
/// </summary>
/// <param name="below">Where the files are.</param>
/// <param name="key">The key.</param>
internal sealed class EncryptedDisk(IDisk below, BackupKey key) : IDisk
{
    public long FreeBytes => below.FreeBytes;

    public IDiskFile Open(string path) => new EncryptedFile(below.Open(path), key, path);

    public bool Exists(string path) => below.Exists(path);

    public IReadOnlyList<string> List(string folder) => below.List(folder);

    public void CreateFolder(string folder) => below.CreateFolder(folder);

    public void Delete(string path) => below.Delete(path);

    public void Rename(string from, string to) => below.Rename(from, to);

    public void SyncFolder(string folder) => below.SyncFolder(folder);

    /// <summary>Which key a file was encrypted with; null when it is not encrypted.</summary>
    public static string? KeyIdOf(IDisk disk, string path)
    {
        using var file = disk.Open(path);
        Span<byte> header = stackalloc byte[EncryptedFile.HeaderBytes];
        return file.Read(0, header) == header.Length && EncryptedFile.IsHeader(header) ? Convert.ToHexStringLower(EncryptedFile.KeyIdOf(header)) : null;
    }
}
