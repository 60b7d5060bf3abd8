using System.Text;
using Holdfast.Keyspace.Rdb;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>RDB files: what is written is read back; one that is cut off anywhere, or damaged, is refused with a sentence, and takes no more memory than it has bytes.</summary>
public sealed class RdbFileTests
{
    private static readonly string[] Keys = ["{t}:s", "{t}:n", "{t}:l", "{t}:i", "{t}:w", "{t}:h", "{t}:d", "{t}:z", "{t}:x"];

    [Fact]
    public void What_is_written_is_read_back_with_dates_and_libraries()
    {
        var (file, payloads) = Write(12);
        var reader = new RdbFileReader(new MemoryStream(file));
        var library = Assert.IsType<RdbRecord.Library>(reader.Read());
        Assert.StartsWith("#!lua name=lib", Encoding.ASCII.GetString(library.Code), StringComparison.Ordinal);
        var ours = new LocalShards().Connect();
        for (var i = 0; i < Keys.Length; i++)
        {
            var key = Assert.IsType<RdbRecord.Key>(reader.Read());
            Assert.Equal((Keys[i], 0, i % 2 == 0 ? -1 : 99_999_999_999_999), (Encoding.ASCII.GetString(key.Name), key.Database, key.Expiry));
            Assert.Equal("+OK", ours.Ask("RESTORE", Keys[i], "0", Encoding.Latin1.GetString(key.Payload)));
            Assert.Equal(payloads[i][..^10], ours.AskBulk("DUMP", Keys[i])[..^10]);
        }

        Assert.Null(reader.Read());
    }

    [Fact]
    public void A_file_that_is_cut_off_is_refused_wherever_it_ends()
    {
        var (file, _) = Write(12);
        for (var length = 0; length < file.Length; length++) Assert.Throws<InvalidDataException>(() => ReadAll(file.AsSpan(0, length)));
    }

    [Fact]
    public void A_damaged_file_is_refused_or_its_damage_is_in_a_checksum_that_nobody_wrote()
    {
        var (file, _) = Write(12);
        var dice = new SeededRandom(3);
        for (var round = 0; round < 3000; round++)
        {
            var changed = file.ToArray();
            changed[dice.Next(9, changed.Length)] ^= (byte)dice.Next(1, 256);
            Assert.Throws<InvalidDataException>(() => ReadAll(changed));
        }
    }

    [Fact]
    public void Dates_of_fields_need_a_file_of_version_12() => Assert.Contains("{t}:d", Assert.Throws<InvalidDataException>(() => Write(10)).Message, StringComparison.Ordinal);

    private static void ReadAll(ReadOnlySpan<byte> file)
    {
        var reader = new RdbFileReader(new MemoryStream(file.ToArray()));
        while (reader.Read() is not null)
        {
            // What is read before the damage is met is as it may be.
        }
    }

    private static (byte[] File, List<string> Payloads) Write(int version)
    {
        var ours = new LocalShards().Connect();
        foreach (var line in (string[])
        [
            "SET {t}:s some-text", "SET {t}:n 12345", "RPUSH {t}:l a b 3", "SADD {t}:i 1 2 3000", "SADD {t}:w x y", "HSET {t}:h f v", "HSET {t}:d f v g w", "HPEXPIREAT {t}:d 66666666666000 FIELDS 1 f", "ZADD {t}:z 1.5 a 2 b", "XADD {t}:x 1-1 f v",
            "XGROUP CREATE {t}:x g 0", "XREADGROUP GROUP g ann STREAMS {t}:x >",
        ])
            ours.Say(line);
        Assert.Equal("$3 lib", ours.Ask("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)"));
        var target = new MemoryStream();
        var writer = new RdbFileWriter(target.Write, version, 1_700_000_000);
        writer.AddLibraries(Encoding.Latin1.GetBytes(ours.AskBulk("FUNCTION", "DUMP")));
        var payloads = new List<string>();
        for (var i = 0; i < Keys.Length; i++)
        {
            payloads.Add(ours.AskBulk("DUMP", Keys[i]));
            writer.Add(Encoding.ASCII.GetBytes(Keys[i]), Encoding.Latin1.GetBytes(payloads[i]), i % 2 == 0 ? -1 : 99_999_999_999_999);
        }

        writer.Close();
        return (target.ToArray(), payloads);
    }
}
