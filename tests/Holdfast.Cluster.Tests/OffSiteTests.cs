namespace Holdfast.Cluster.Tests;

/// <summary>Copies off site: signatures, addresses, and what is sent in which order.</summary>
public sealed class OffSiteTests
{
    private static readonly S3Credentials Example = new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "");

    /// <summary>The examples of AWS's "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".</summary>
    [Theory]
    [InlineData("GET", "/test.txt", "", "range=bytes=0-9", S3Signature.EmptyHash, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")]
    [InlineData("PUT", "/test$file.text", "", "date=Fri, 24 May 2013 00:00:00 GMT;x-amz-storage-class=REDUCED_REDUNDANCY", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")]
    [InlineData("GET", "/", "lifecycle=", "", S3Signature.EmptyHash, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")]
    [InlineData("GET", "/", "max-keys=2;prefix=J", "", S3Signature.EmptyHash, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")]
    public void A_signature_is_the_one_of_the_published_example(string method, string path, string query, string further, string hash, string signature)
    {
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = "examplebucket.s3.amazonaws.com", ["x-amz-date"] = "20130524T000000Z", ["x-amz-content-sha256"] = hash };
        foreach (var (name, value) in Pairs(further)) headers[name] = value;
        var header = S3Signature.Of(method, S3Signature.EncodePath(path), Pairs(query), headers, Example, "us-east-1");
        Assert.StartsWith("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=", header, StringComparison.Ordinal);
        Assert.EndsWith(",Signature=" + signature, header, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_takes_its_store_and_region_from_the_environment_and_bad_ones_are_said()
    {
        Assert.True(S3Address.TryParse("s3://backups/prod/eu", _ => null, out var plain, out _));
        Assert.Equal(("https://s3.us-east-1.amazonaws.com/", "us-east-1", "backups", "prod/eu/"), (plain.Endpoint.ToString(), plain.Region, plain.Bucket, plain.Prefix));
        Assert.True(S3Address.TryParse("s3://backups", name => name switch { "AWS_ENDPOINT_URL" => "http://127.0.0.1:9000", "AWS_REGION" => "fr-par", _ => null }, out var own, out _));
        Assert.Equal(("http://127.0.0.1:9000/", "fr-par", ""), (own.Endpoint.ToString(), own.Region, own.Prefix));
        foreach (var bad in (string[])["", "backups/prod", "https://x/y", "s3:///prefix", "s3://b/p?x=1"])
        {
            Assert.False(S3Address.TryParse(bad, _ => null, out _, out var fault));
            Assert.Contains("s3://BUCKET/PREFIX", fault, StringComparison.Ordinal);
        }

        Assert.Null(S3Credentials.Of(name => name == "AWS_ACCESS_KEY_ID" ? "only one" : null));
        Assert.DoesNotContain(Example.SecretKey, Example.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_manifest_names_goes_before_it_and_what_is_unfinished_stays_here()
    {
        ArchiveFile[] here =
        [
            new("archive", 50), new("log/1/0000000001.log", 700), new("log/1/0000000002.log", 90),
            new("snapshots/1/2-9/manifest", 80), new("snapshots/1/2-9/chunks", 4000), new("snapshots/1/files/ab", 10), new("snapshots/1/files/ab.pieces", 12),
            new("snapshots/1/3-20/chunks", 100), new("snapshots/1/3-20/manifest.wanted", 80), new("snapshots/1/files/new-1.part", 5), new("archive.new", 50),
        ];
        var plan = ShippingPlan.Of(here, new Dictionary<string, long>());
        Assert.Equal(["log/1/0000000001.log", "log/1/0000000002.log", "snapshots/1/2-9/chunks", "snapshots/1/files/ab", "snapshots/1/files/ab.pieces", "snapshots/1/2-9/manifest", "archive"], plan.Puts.Select(file => file.Name));
        Assert.Empty(plan.Deletes);
    }

    [Fact]
    public void Only_what_grew_or_is_other_is_sent_again_and_a_forgotten_base_loses_its_manifest_first()
    {
        ArchiveFile[] here = [new("archive", 50), new("log/1/0000000002.log", 95), new("snapshots/1/9-9/chunks", 10), new("snapshots/1/9-9/manifest", 80)];
        var there = new Dictionary<string, long>
        {
            ["archive"] = 50, ["log/1/0000000001.log"] = 700, ["log/1/0000000002.log"] = 90, ["snapshots/1/2-9/chunks"] = 4000, ["snapshots/1/2-9/manifest"] = 80, ["snapshots/1/9-9/chunks"] = 10, ["snapshots/1/9-9/manifest"] = -1,
        };
        var plan = ShippingPlan.Of(here, there);
        Assert.Equal(["log/1/0000000002.log", "snapshots/1/9-9/manifest"], plan.Puts.Select(file => file.Name));
        Assert.Equal(["snapshots/1/2-9/manifest", "log/1/0000000001.log", "snapshots/1/2-9/chunks"], plan.Deletes);
    }

    private static Dictionary<string, string> Pairs(string text) =>
        text.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
}
