using System.Buffers.Binary;
using System.Security.Cryptography;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>
/// An encrypted file: a header (magic, version, key id, salt), then a record for each write: its length, the ciphertext, the tag (AES-256-GCM). The nonce is the record's number, which the file's own key makes
/// unique, so records cannot be exchanged, repeated or left out in the middle; that the end is missing is told by what is in the file, as after a crash. A record that was being written when the writer died
/// is not there. One that does not prove itself ends what can be read.
/// </summary>
internal sealed class EncryptedFile : IDiskFile
{
    public const int HeaderBytes = 4 + 1 + BackupKey.IdSize + SaltBytes;
    public const int TagBytes = 16;

    /// <summary>A record's plain bytes: as much as a block of an archived log and its header, or a chunk of a snapshot, takes.</summary>
    public const int RecordBytesMax = ArchivedLog.BlockBytesMax + 4096;

    private const uint Magic = 0x45424648; // "HFBE"
    private const byte Version = 1;
    private const int SaltBytes = 16;
    private const int NonceBytes = 12;
    private const int LengthBytes = 4;

    private static readonly Mark TornRecord = new("cluster: the last record of an encrypted file was torn", elsewhere: "EncryptedBackupTests: nobody archives a simulated cluster");

    private readonly IDiskFile file;
    private readonly BackupKey key;
    private readonly string path;
    private readonly List<(long At, long From, int Bytes)> records = [];
    private AesGcm? cipher;
    private long end;
    private bool isBroken;
    private byte[] plain = [];
    private int plainRecord = -1;

    /// <summary>Opens a file, empty or encrypted.</summary>
    /// <exception cref="DataDirectoryUnusableException">It is not encrypted, with another key, or of a newer version.</exception>
    public EncryptedFile(IDiskFile file, BackupKey key, string path)
    {
        (this.file, this.key, this.path) = (file, key, path);
        try
        {
            if (file.Length > 0) OpenWritten();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public long Length { get; private set; }

    public static bool IsHeader(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt32LittleEndian(header) == Magic;

    public static ReadOnlySpan<byte> KeyIdOf(ReadOnlySpan<byte> header) => header.Slice(5, BackupKey.IdSize);

    public int Read(long offset, Span<byte> target)
    {
        var read = 0;
        while (read < target.Length && offset + read < Length)
        {
            var number = RecordAt(offset + read);
            if (!TryDecrypt(number)) return read;
            var (_, from, bytes) = records[number];
            var within = (int)(offset + read - from);
            var count = Math.Min(bytes - within, target.Length - read);
            plain.AsSpan(within, count).CopyTo(target[read..]);
            read += count;
        }

        return read;
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (source.Length == 0) return;
        Invariant.Holds(offset == Length, "an encrypted file is written from its beginning to its end");
        if (isBroken) throw new IOException($"{path}: a write failed before, and nothing is known of its end");
        isBroken = true;
        if (cipher is null) Begin();
        for (; source.Length > RecordBytesMax; source = source[RecordBytesMax..]) WriteRecord(source[..RecordBytesMax]);
        WriteRecord(source);
        isBroken = false;
    }

    public void Sync() => file.Sync();

    public void Allocate(long length)
    {
        // Nothing: what an archive writes is not laid out beforehand.
    }

    public void Dispose()
    {
        cipher?.Dispose();
        file.Dispose();
    }

    private void Begin()
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        header[4] = Version;
        key.WriteId(header[5..]);
        var salt = header[(5 + BackupKey.IdSize)..];
        RandomNumberGenerator.Fill(salt);
        cipher = key.CipherOf(salt);
        file.Write(0, header);
        end = HeaderBytes;
    }

    private void WriteRecord(ReadOnlySpan<byte> bytes)
    {
        var record = new byte[LengthBytes + bytes.Length + TagBytes];
        BinaryPrimitives.WriteInt32LittleEndian(record, bytes.Length);
        Span<byte> nonce = stackalloc byte[NonceBytes];
        NonceOf(records.Count, nonce);
        cipher!.Encrypt(nonce, bytes, record.AsSpan(LengthBytes, bytes.Length), record.AsSpan(LengthBytes + bytes.Length));
        file.Write(end, record);
        records.Add((end, Length, bytes.Length));
        end += record.Length;
        Length += bytes.Length;
    }

    private void OpenWritten()
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (file.Read(0, header) != HeaderBytes)
        {
            // Its writer died before the header was whole: an empty file, which nobody goes on with.
            isBroken = true;
            return;
        }

        if (!IsHeader(header)) throw new DataDirectoryUnusableException($"{path} is not encrypted: it was kept without a key; leave the key out, or name another backup directory");
        if (header[4] > Version) throw new DataDirectoryUnusableException($"{path} is encrypted in version {header[4]}, and this program knows {Version}: use the program that wrote it, or a newer one");
        if (!key.Is(KeyIdOf(header))) throw new DataDirectoryUnusableException($"{path} is encrypted with the key {Convert.ToHexStringLower(KeyIdOf(header))}, and the given one is {key.Id}: give the key file that the node had");
        cipher = key.CipherOf(header[(5 + BackupKey.IdSize)..]);
        var total = file.Length;
        Span<byte> length = stackalloc byte[LengthBytes];
        for (end = HeaderBytes; file.Read(end, length) == LengthBytes;)
        {
            var bytes = BinaryPrimitives.ReadInt32LittleEndian(length);
            if (bytes is <= 0 or > RecordBytesMax || end + LengthBytes + bytes + TagBytes > total) break;
            records.Add((end, Length, bytes));
            end += LengthBytes + bytes + TagBytes;
            Length += bytes;
        }

        // The length of the last one may have come to the disk before its bytes.
        if (records.Count > 0 && !TryDecrypt(records.Count - 1)) Forget();
        if (end != total) TornRecord.Hit();

        // Whoever writes begins a new file: a nonce that was used, for a record that was torn, is not used again.
        isBroken = true;
    }

    private void Forget()
    {
        (end, Length, _) = records[^1];
        records.RemoveAt(records.Count - 1);
    }

    private int RecordAt(long offset)
    {
        var (low, high) = (0, records.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (records[middle].From <= offset) low = middle;
            else high = middle - 1;
        }

        return low;
    }

    private bool TryDecrypt(int number)
    {
        if (number == plainRecord) return true;
        var (at, _, bytes) = records[number];
        var sealedBytes = new byte[bytes + TagBytes];
        if (file.Read(at + LengthBytes, sealedBytes) != sealedBytes.Length) return false;
        if (plain.Length < bytes) plain = new byte[bytes];
        plainRecord = -1;
        Span<byte> nonce = stackalloc byte[NonceBytes];
        NonceOf(number, nonce);
        try
        {
            cipher!.Decrypt(nonce, sealedBytes.AsSpan(0, bytes), sealedBytes.AsSpan(bytes), plain.AsSpan(0, bytes));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        plainRecord = number;
        return true;
    }

    private static void NonceOf(long number, Span<byte> nonce)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(nonce, number);
    }
}
