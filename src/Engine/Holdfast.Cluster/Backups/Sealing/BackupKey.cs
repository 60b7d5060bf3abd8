using System.Security.Cryptography;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>
/// The key of encrypted backups: 32 random bytes, in a file as base64 (<c>holdfast backup key</c>, or <c>openssl rand -base64 32</c>). Whoever has it and the backups reads every key and value; without it
/// they are lost. Each file is encrypted with a key of its own, derived from this one and the file's salt (HKDF, RFC 5869).
/// </summary>
public sealed class BackupKey
{
    /// <summary>Bytes of a key.</summary>
    public const int Size = 32;

    internal const int IdSize = 8;

    private const long FileBytesMax = 4096;

    private readonly byte[] secret;
    private readonly byte[] id = new byte[IdSize];

    private BackupKey(byte[] secret)
    {
        this.secret = secret;
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, id, [], "holdfast backup key id"u8);
    }

    /// <summary>Which key it is, in hex; says nothing about the key itself.</summary>
    public string Id => Convert.ToHexStringLower(id);

    /// <summary>A new key's file content.</summary>
    public static string Draw() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(Size)) + "\n";

    /// <summary>A key from its bytes.</summary>
    public static BackupKey Of(ReadOnlySpan<byte> secret) =>
        secret.Length == Size ? new BackupKey(secret.ToArray()) : throw new DataDirectoryUnusableException($"a backup key has {Size} bytes, and this has {secret.Length}");

    /// <summary>Reads a key file.</summary>
    /// <exception cref="DataDirectoryUnusableException">It is not there, is readable for others, or holds no key.</exception>
    public static BackupKey Read(string path)
    {
        if (!File.Exists(path)) throw new DataDirectoryUnusableException($"{path}: there is no such key file; make one with holdfast backup key --out {path}");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0)
            throw new DataDirectoryUnusableException($"{path}: others may read this key file: chmod 600 {path}");
        var length = new FileInfo(path).Length;
        var bytes = new byte[Size + 3];
        if (length > FileBytesMax || !Convert.TryFromBase64String(File.ReadAllText(path).Trim(), bytes, out var written) || written != Size)
            throw new DataDirectoryUnusableException($"{path}: a key file holds {Size} bytes in base64 on one line; make one with holdfast backup key --out FILE");
        return new BackupKey(bytes[..written]);
    }

    internal bool Is(ReadOnlySpan<byte> other) => other.SequenceEqual(id);

    internal void WriteId(Span<byte> target) => id.CopyTo(target);

    /// <summary>The cipher of one file.</summary>
    internal AesGcm CipherOf(ReadOnlySpan<byte> salt)
    {
        Span<byte> own = stackalloc byte[Size];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, own, salt, "holdfast backup file"u8);
        try
        {
            return new AesGcm(own, EncryptedFile.TagBytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(own);
        }
    }
}
