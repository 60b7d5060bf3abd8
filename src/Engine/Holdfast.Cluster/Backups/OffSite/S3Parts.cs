using System.Security.Cryptography;

#pragma warning disable CA5351 // S3's entity tag is an MD5; it protects nothing here.

namespace Holdfast.Cluster;

/// <summary>How an object is cut into parts. The same size always gives the same parts, for the tag that a store gives to an object depends on them. Pure but for reading the file.</summary>
/// <param name="WholeBytesMax">The largest object that is put in one request; S3 takes 5 GiB at most.</param>
/// <param name="PartBytes">The size of a part; larger where there would be more parts than S3 takes.</param>
public sealed record S3Parts(long WholeBytesMax, long PartBytes)
{
    /// <summary>A request that fails is sent again from its beginning: 256 MiB of a large object are lost so, not all of it.</summary>
    public static readonly S3Parts Default = new(1L << 30, 256L << 20);

    /// <summary>How many parts S3 takes.</summary>
    private const long CountMax = 10_000;

    /// <summary>In how many parts an object of a size is sent; one: in one request.</summary>
    public int CountOf(long bytes) => bytes <= WholeBytesMax ? 1 : (int)((bytes + SizeOf(bytes) - 1) / SizeOf(bytes));

    /// <summary>The size of its parts, of which the last may be smaller.</summary>
    public long SizeOf(long bytes) => Math.Max(PartBytes, (bytes + CountMax - 1) / CountMax);

    /// <summary>Where a part begins, and how long it is.</summary>
    public (long From, long Length) PlaceOf(int part, long bytes) => (part * SizeOf(bytes), Math.Min(SizeOf(bytes), bytes - (part * SizeOf(bytes))));

    /// <summary>The tag that a store gives to a part of the first bytes of a file: its MD5.</summary>
    public async Task<string> TagOfPartAsync(string file, int part, long bytes, CancellationToken cancel)
    {
        var (from, length) = PlaceOf(part, bytes);
        return Convert.ToHexStringLower(await HashAsync(file, from, length, cancel).ConfigureAwait(false));
    }

    /// <summary>The tag that a store gives to the first bytes of a file: their MD5; of an object in parts, the MD5 of its parts' MD5s, and how many they were.</summary>
    public async Task<string> TagOfAsync(string file, long bytes, CancellationToken cancel)
    {
        var count = CountOf(bytes);
        if (count == 1) return Convert.ToHexStringLower(await HashAsync(file, 0, bytes, cancel).ConfigureAwait(false));
        var hashes = new byte[count * MD5.HashSizeInBytes];
        for (var part = 0; part < count; part++)
        {
            var (from, length) = PlaceOf(part, bytes);
            (await HashAsync(file, from, length, cancel).ConfigureAwait(false)).CopyTo(hashes, part * MD5.HashSizeInBytes);
        }

        return $"{Convert.ToHexStringLower(MD5.HashData(hashes))}-{count}";
    }

    /// <summary>Whether a tag is one of the first bytes of a file. Of an object that came in parts most stores name them, some hash all of it.</summary>
    public async Task<bool> IsTagOfAsync(string tag, string file, long bytes, CancellationToken cancel)
    {
        var parts = tag.Contains('-', StringComparison.Ordinal) ? this : this with { WholeBytesMax = long.MaxValue };
        return string.Equals(tag, await parts.TagOfAsync(file, bytes, cancel).ConfigureAwait(false), StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<byte[]> HashAsync(string file, long from, long bytes, CancellationToken cancel)
    {
        await using var part = new FilePart(file, from, bytes);
        return await MD5.HashDataAsync(part, cancel).ConfigureAwait(false);
    }
}
