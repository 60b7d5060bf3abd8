using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Cluster;

/// <summary>Where objects are kept: a bucket of an S3-compatible store, and what their names begin with there.</summary>
/// <param name="Endpoint">The store, such as https://s3.eu-central-1.amazonaws.com or http://127.0.0.1:9000.</param>
/// <param name="Region">The region that requests are signed for; stores that have none take us-east-1.</param>
/// <param name="Bucket">The bucket, which is there already.</param>
/// <param name="Prefix">What names begin with; empty, or ends with a slash.</param>
public sealed record S3Address(Uri Endpoint, string Region, string Bucket, string Prefix)
{
    /// <summary>Parses <c>s3://BUCKET/PREFIX</c>. The store and its region are AWS's unless <c>AWS_ENDPOINT_URL_S3</c> or <c>AWS_ENDPOINT_URL</c>, <c>AWS_REGION</c> or <c>AWS_DEFAULT_REGION</c> say otherwise.</summary>
    /// <param name="text">The address.</param>
    /// <param name="environment">A variable of the environment; null when it is not set.</param>
    /// <param name="address">Where that is.</param>
    /// <param name="fault">Otherwise what is wrong with it.</param>
    public static bool TryParse(string text, Func<string, string?> environment, [NotNullWhen(true)] out S3Address? address, [NotNullWhen(false)] out string? fault)
    {
        (address, fault) = (null, null);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme != "s3" || uri.Host.Length == 0 || uri.Query.Length > 0)
        {
            fault = $"\"{text}\" is not s3://BUCKET/PREFIX";
            return false;
        }

        var region = environment("AWS_REGION") ?? environment("AWS_DEFAULT_REGION") ?? "us-east-1";
        var store = environment("AWS_ENDPOINT_URL_S3") ?? environment("AWS_ENDPOINT_URL") ?? $"https://s3.{region}.amazonaws.com";
        if (!Uri.TryCreate(store, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
        {
            fault = $"AWS_ENDPOINT_URL: \"{store}\" is not an http or https address";
            return false;
        }

        var prefix = Uri.UnescapeDataString(uri.AbsolutePath).Trim('/');
        address = new S3Address(endpoint, region, uri.Host, prefix.Length == 0 ? "" : prefix + "/");
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"s3://{Bucket}/{Prefix}";
}

/// <summary>In whose name objects are read and written.</summary>
/// <param name="AccessKey">The access key's id.</param>
/// <param name="SecretKey">Its secret.</param>
/// <param name="SessionToken">The token of a temporary key; empty for one that stays.</param>
public sealed record S3Credentials(string AccessKey, string SecretKey, string SessionToken)
{
    /// <summary>From the environment's <c>AWS_ACCESS_KEY_ID</c>, <c>AWS_SECRET_ACCESS_KEY</c> and <c>AWS_SESSION_TOKEN</c>; null when they are not set.</summary>
    public static S3Credentials? Of(Func<string, string?> environment) =>
        environment("AWS_ACCESS_KEY_ID") is { Length: > 0 } access && environment("AWS_SECRET_ACCESS_KEY") is { Length: > 0 } secret
            ? new S3Credentials(access, secret, environment("AWS_SESSION_TOKEN") ?? "")
            : null;

    /// <inheritdoc/>
    public override string ToString() => AccessKey;
}
