using System.Text;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster.Tests;

/// <summary>Encrypted archives: what is written is read with its key, and what was changed, exchanged or cut is not taken for it.</summary>
public sealed class EncryptedBackupTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-encrypted-").FullName;
    private readonly BackupKey key = BackupKey.Of(Enumerable.Range(0, BackupKey.Size).Select(i => (byte)i).ToArray());

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void What_was_written_in_pieces_is_read_at_any_offset_and_lies_on_the_disk_unreadable()
    {
        var dice = new SeededRandom(1);
        var content = new byte[300_000];
        for (var i = 0; i < content.Length; i++) content[i] = (byte)dice.Next(256);
        using (var file = Disk().Open("f"))
            for (var at = 0; at < content.Length;)
            {
                var count = Math.Min(1 + dice.Next(70_000), content.Length - at);
                file.Write(at, content.AsSpan(at, count));
                at += count;
            }

        using var read = Disk().Open("f");
        Assert.Equal(content.Length, read.Length);
        for (var turn = 0; turn < 200; turn++)
        {
            var at = dice.Next(content.Length);
            var bytes = new byte[1 + dice.Next(100_000)];
            var got = read.Read(at, bytes);
            Assert.Equal(Math.Min(bytes.Length, content.Length - at), got);
            Assert.True(content.AsSpan(at, got).SequenceEqual(bytes.AsSpan(0, got)));
        }

        Assert.Equal(-1, File.ReadAllBytes(PathOf("f")).AsSpan().IndexOf(content.AsSpan(1000, 32)));
    }

    [Fact]
    public void Every_byte_that_is_flipped_is_noticed()
    {
        using (var file = Disk().Open("f"))
        {
            file.Write(0, "first record"u8);
            file.Write(12, "second record"u8);
        }

        var whole = File.ReadAllBytes(PathOf("f"));
        for (var at = 0; at < whole.Length; at++)
        {
            var changed = whole.ToArray();
            changed[at] ^= 0x10;
            File.WriteAllBytes(PathOf("f"), changed);
            Assert.NotEqual("first recordsecond record", TryRead("f"));
        }
    }

    [Fact]
    public void Records_of_one_file_or_of_two_cannot_be_exchanged()
    {
        foreach (var name in (string[])["f", "g"])
            using (var file = Disk().Open(name))
            {
                file.Write(0, Encoding.ASCII.GetBytes("1 of " + name));
                file.Write(6, Encoding.ASCII.GetBytes("2 of " + name));
            }

        var (f, g) = (File.ReadAllBytes(PathOf("f")), File.ReadAllBytes(PathOf("g")));
        var record = (f.Length - EncryptedFile.HeaderBytes) / 2;
        byte[] exchanged = [.. f[..EncryptedFile.HeaderBytes], .. f[^record..], .. f[EncryptedFile.HeaderBytes..(EncryptedFile.HeaderBytes + record)]];
        File.WriteAllBytes(PathOf("f"), exchanged);
        Assert.DoesNotContain("of", TryRead("f"), StringComparison.Ordinal);
        byte[] mixed = [.. f[..^record], .. g[^record..]];
        File.WriteAllBytes(PathOf("f"), mixed);
        Assert.Equal("1 of f", TryRead("f"));
    }

    [Fact]
    public void A_torn_last_record_is_not_there_and_nothing_is_appended_behind_it()
    {
        using (var file = Disk().Open("f"))
        {
            file.Write(0, "whole"u8);
            file.Write(5, "torn"u8);
        }

        using (var torn = new FileStream(PathOf("f"), FileMode.Open)) torn.SetLength(torn.Length - 3);
        Assert.Equal("whole", TryRead("f"));
        using (var file = Disk().Open("f")) Assert.Throws<IOException>(() => file.Write(5, "again"u8));
        using (var file = Disk().Open("g")) Assert.Throws<InvariantBrokenException>(() => file.Write(1, "in the middle"u8));
    }

    [Fact]
    public void Another_key_and_a_file_that_is_not_encrypted_are_refused_and_said()
    {
        using (var file = Disk().Open("f")) file.Write(0, "secret"u8);
        var other = BackupKey.Of(new byte[BackupKey.Size]);
        var refusal = Assert.Throws<DataDirectoryUnusableException>(() => new EncryptedDisk(Bare(), other).Open("f"));
        Assert.Contains(key.Id, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(key.Id, EncryptedDisk.KeyIdOf(Bare(), "f"));
        File.WriteAllText(PathOf("plain"), "nothing secret is in here, and it is longer than a header");
        Assert.Throws<DataDirectoryUnusableException>(() => Disk().Open("plain"));
        Assert.Null(EncryptedDisk.KeyIdOf(Bare(), "plain"));
    }

    [Fact]
    public void An_encrypted_archive_is_opened_with_its_key_alone()
    {
        var archive = Path.Combine(folder, "0000000000000007", "n1");
        Directory.CreateDirectory(archive);
        new ArchiveIdentity(new ClusterId(7), "n1", "", []).Write(new EncryptedDisk(new DirectoryDisk(archive), key));
        Assert.Contains("--key-file", Assert.Throws<DataDirectoryUnusableException>(() => BackupCatalog.Open(folder)).Message, StringComparison.Ordinal);
        Assert.Equal([new ClusterId(7)], BackupCatalog.Open(folder, key: key).Clusters);
    }

    [Fact]
    public void A_key_file_holds_32_bytes_in_base64_and_is_its_owners_alone()
    {
        var path = PathOf("key");
        File.WriteAllText(path, BackupKey.Draw());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
            Assert.Contains("chmod 600", Assert.Throws<DataDirectoryUnusableException>(() => BackupKey.Read(path)).Message, StringComparison.Ordinal);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        Assert.Equal(16, BackupKey.Read(path).Id.Length);
        foreach (var bad in (string[])["", "not base64!", Convert.ToBase64String(new byte[31]), Convert.ToBase64String(new byte[40])])
        {
            File.WriteAllText(path, bad);
            Assert.Throws<DataDirectoryUnusableException>(() => BackupKey.Read(path));
        }
    }

    private DirectoryDisk Bare() => new(folder);

    private EncryptedDisk Disk() => new(Bare(), key);

    private string PathOf(string name) => Path.Combine(folder, name);

    private string TryRead(string name)
    {
        try
        {
            using var file = Disk().Open(name);
            var bytes = new byte[file.Length];
            return Encoding.ASCII.GetString(bytes, 0, file.Read(0, bytes));
        }
        catch (DataDirectoryUnusableException)
        {
            return "";
        }
    }
}
