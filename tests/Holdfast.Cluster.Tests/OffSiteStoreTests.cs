namespace Holdfast.Cluster.Tests;

/// <summary>Copies off site against a store that verifies every signature and every part.</summary>
public sealed class OffSiteStoreTests : IAsyncDisposable
{
    private static readonly S3Parts SmallParts = new(VerifyingStore.PartBytesLeast, VerifyingStore.PartBytesLeast);

    private readonly VerifyingStore store = VerifyingStore.Start();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("holdfast-offsite-");

    private S3Address Address => new(store.Endpoint, store.Region, "bucket", "prod/eu west+1/");

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        folder.Delete(true);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("log/1/0000000001.log")]
    [InlineData("a b+c=d&e?f#g%h/~._-")]
    [InlineData("größe/日本/😀")]
    [InlineData("$,;:@!'()*[]")]
    public async Task Any_name_is_signed_as_the_store_reads_it(string name)
    {
        using var bucket = new S3Bucket(Address, VerifyingStore.Known, S3Parts.Default);
        var content = Write("x", 1000);
        await bucket.PutAsync(name, content, 1000, CancellationToken.None);
        Assert.Equal(["prod/eu west+1/" + name], store.Objects.Keys);
        using var back = new MemoryStream();
        await bucket.GetAsync(name, back, CancellationToken.None);
        Assert.Equal(await File.ReadAllBytesAsync(content, TestContext.Current.CancellationToken), back.ToArray());
        var listed = Assert.Single(await bucket.ListAsync("", CancellationToken.None));
        Assert.Equal((name, 1000, await S3Parts.Default.TagOfAsync(content, 1000, CancellationToken.None)), (listed.Name, listed.Bytes, listed.Tag));
        await bucket.DeleteAsync(name, CancellationToken.None);
        await bucket.DeleteAsync(name, CancellationToken.None);
        Assert.Empty(store.Objects);
    }

    [Fact]
    public async Task A_list_of_many_pages_is_whole_and_only_of_what_was_asked_for()
    {
        using var bucket = new S3Bucket(Address, VerifyingStore.Known, S3Parts.Default);
        var file = Write("x", 10);
        foreach (var name in (string[])["a/1", "a/2", "a/3", "a/4", "a/5", "b/1"]) await bucket.PutAsync(name, file, 10, CancellationToken.None);
        Assert.Equal(["a/1", "a/2", "a/3", "a/4", "a/5"], (await bucket.ListAsync("a/", CancellationToken.None)).Select(one => one.Name));
    }

    [Theory]
    [InlineData("AKIATEST", "another", "eu-central-1", "SignatureDoesNotMatch")]
    [InlineData("NOBODY", "wJalrXUtn/+secret=", "eu-central-1", "InvalidAccessKeyId")]
    [InlineData("AKIATEST", "wJalrXUtn/+secret=", "us-east-1", "AuthorizationHeaderMalformed")]
    public async Task What_the_store_does_not_believe_is_said_in_its_words(string access, string secret, string region, string code)
    {
        using var bucket = new S3Bucket(Address with { Region = region }, new S3Credentials(access, secret, ""), S3Parts.Default);
        var refused = await Assert.ThrowsAnyAsync<IOException>(() => bucket.PutAsync("a", Write("x", 10), 10, CancellationToken.None));
        Assert.Contains(code, refused.Message, StringComparison.Ordinal);
        Assert.Empty(store.Objects);
    }

    /// <summary>More than one request may hold: in parts, each signed, each hashed, put together by the store; and the tag that it then has is the one that we work out.</summary>
    [Theory]
    [InlineData(2 * VerifyingStore.PartBytesLeast)]
    [InlineData((2 * VerifyingStore.PartBytesLeast) + 1)]
    [InlineData((3 * VerifyingStore.PartBytesLeast) - 1)]
    public async Task A_large_object_goes_in_parts_and_comes_back_whole(int bytes)
    {
        using var bucket = new S3Bucket(Address, VerifyingStore.Known, SmallParts);
        var file = Write("large", bytes + 777); // What was appended since is not sent.
        await bucket.PutAsync("large", file, bytes, CancellationToken.None);
        Assert.Equal(Enumerable.Range(1, SmallParts.CountOf(bytes)), store.PartsTaken);
        var (content, tag) = store.Objects["prod/eu west+1/large"];
        Assert.True((await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).AsSpan(0, bytes).SequenceEqual(content));
        Assert.Equal(tag, await SmallParts.TagOfAsync(file, bytes, CancellationToken.None));
        Assert.True(await SmallParts.IsTagOfAsync(tag, file, bytes, CancellationToken.None));
        Assert.True(await SmallParts.IsTagOfAsync(await S3Parts.Default.TagOfAsync(file, bytes, CancellationToken.None), file, bytes, CancellationToken.None)); // Of a store that hashes all of it.
        Assert.False(await SmallParts.IsTagOfAsync(tag, file, bytes - 1, CancellationToken.None));
        Assert.Equal(0, store.Unfinished);
    }

    [Fact]
    public async Task An_upload_that_broke_off_goes_on_where_it_was_and_sends_again_what_has_changed()
    {
        const int Bytes = 4 * VerifyingStore.PartBytesLeast;
        var file = Write("large", Bytes);
        store.FailsFromPart = 4;
        using (var before = new S3Bucket(Address, VerifyingStore.Known, SmallParts))
        {
            var middle = await Assert.ThrowsAnyAsync<IOException>(() => before.PutAsync("large", file, Bytes, CancellationToken.None));
            Assert.Contains("SlowDown", middle.Message, StringComparison.Ordinal);
        }

        Assert.Equal((0, 1), (store.Objects.Count, store.Unfinished));
        Assert.Equal([1, 2, 3], store.PartsTaken);
        await using (var other = new FileStream(file, FileMode.Open, FileAccess.Write))
        {
            other.Position = VerifyingStore.PartBytesLeast + 5;
            other.WriteByte(1);
            other.WriteByte(2);
        }

        // Another process, after a restart: it knows only what the store says.
        store.FailsFromPart = 0;
        using var after = new S3Bucket(Address, VerifyingStore.Known, SmallParts);
        await after.PutAsync("large", file, Bytes, CancellationToken.None);
        Assert.Equal([1, 2, 3, 2, 4], store.PartsTaken);
        Assert.True((await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).AsSpan(0, Bytes).SequenceEqual(store.Objects["prod/eu west+1/large"].Content));
        Assert.Equal(0, store.Unfinished);
    }

    [Fact]
    public async Task An_upload_that_the_store_cannot_end_is_gone_on_with_once_and_then_begun_anew()
    {
        const int Bytes = 2 * VerifyingStore.PartBytesLeast;
        using var bucket = new S3Bucket(Address, VerifyingStore.Known, SmallParts);
        var file = Write("large", Bytes);
        store.FailsAtTheEnd = true;
        for (var tries = 0; tries < 2; tries++)
        {
            var end = await Assert.ThrowsAnyAsync<IOException>(() => bucket.PutAsync("large", file, Bytes, CancellationToken.None));
            Assert.Contains("InternalError", end.Message, StringComparison.Ordinal);
            Assert.Equal((0, tries == 0 ? 1 : 0), (store.Objects.Count, store.Unfinished));
        }

        store.FailsAtTheEnd = false;
        await bucket.PutAsync("large", file, Bytes, CancellationToken.None);
        Assert.Equal([1, 2, 1, 2], store.PartsTaken);
    }

    [Fact]
    public async Task Of_a_store_that_cannot_list_uploads_nothing_stays_that_failed()
    {
        using var bucket = new S3Bucket(Address, VerifyingStore.Known, SmallParts);
        var file = Write("large", 3 * VerifyingStore.PartBytesLeast);
        (store.ListsNoUploads, store.FailsFromPart) = (true, 2);
        await Assert.ThrowsAnyAsync<IOException>(() => bucket.PutAsync("large", file, 3 * VerifyingStore.PartBytesLeast, CancellationToken.None));
        Assert.Equal((0, 0), (store.Objects.Count, store.Unfinished));
        store.FailsFromPart = 0;
        await bucket.PutAsync("large", file, 3 * VerifyingStore.PartBytesLeast, CancellationToken.None);
        Assert.Equal([1, 1, 2, 3], store.PartsTaken);
    }

    /// <summary>What a node that died had begun to send and sends no more is forgotten when it starts again; what it will go on with, and what others send, stays.</summary>
    [Fact]
    public async Task Uploads_that_nobody_goes_on_with_are_forgotten_where_they_are_ours()
    {
        using var requests = new S3Requests(Address, VerifyingStore.Known);
        foreach (var name in (string[])["cluster/n1/a", "cluster/n1/a", "cluster/n1/b", "cluster/n2/a"])
            (await requests.SendAsync(HttpMethod.Post, name, new Dictionary<string, string> { ["uploads"] = "" }, null, S3Signature.EmptyHash, CancellationToken.None)).Dispose();
        using var bucket = new S3Bucket(Address, VerifyingStore.Known, SmallParts);
        await bucket.ForgetUnfinishedAsync("cluster/n1/", static name => name == "cluster/n1/a", CancellationToken.None);
        Assert.Equal(3, store.Unfinished);
        const int Bytes = 2 * VerifyingStore.PartBytesLeast;
        await bucket.PutAsync("cluster/n1/a", Write("a", Bytes), Bytes, CancellationToken.None);
        Assert.Equal(1, store.Unfinished); // Of two of one object one was gone on with, and the other forgotten.
    }

    [Fact]
    public void Parts_are_as_large_as_asked_for_until_there_would_be_too_many()
    {
        Assert.Equal(1, S3Parts.Default.CountOf(1L << 30));
        Assert.Equal(5, S3Parts.Default.CountOf((1L << 30) + 1));
        Assert.Equal(24, S3Parts.Default.CountOf(6L << 30));
        Assert.Equal(10_000, S3Parts.Default.CountOf(5L << 40));
        Assert.True(S3Parts.Default.SizeOf(5L << 40) < 5L << 30);
    }

    private string Write(string name, int bytes)
    {
        var path = Path.Combine(folder.FullName, name);
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        File.WriteAllBytes(path, content);
        return path;
    }
}
