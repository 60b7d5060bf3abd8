using System.Globalization;
using System.Text;
using Holdfast.Cluster;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>The lock that a request writes under, and its token (S22), as the header <c>holdfast-fence: LOCK TOKEN</c> says it: every shard that it reaches refuses it once it has seen a newer token of that lock.</summary>
/// <param name="Lock">The lock's name in UTF-8.</param>
/// <param name="Token">What its holder was given.</param>
internal sealed record WriteFence(byte[] Lock, FencingToken Token)
{
    /// <summary>The header, and gRPC's metadata.</summary>
    public const string Header = "holdfast-fence";

    /// <summary>The fence of a request; null for none. Reads are not fenced.</summary>
    /// <exception cref="VectorFault">It cannot be read, or the request is none that shards execute.</exception>
    public static WriteFence? Of(string header, AccessRight right)
    {
        if (header.Length == 0 || right < AccessRight.Write) return null;
        if (right is not (AccessRight.Write or AccessRight.Index)) throw VectorFault.NotHere($"{Header} on what is no write of points or payload indexes");
        var space = header.LastIndexOf(' ');
        var name = space < 0 ? [] : Encoding.UTF8.GetBytes(header[..space].Trim());
        if (name.Length is 0 or > ShardFences.NameBytesMax || !ulong.TryParse(header[(space + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var token) || token == 0)
            throw VectorFault.BadInput($"{Header} is a lock's name, of at most {ShardFences.NameBytesMax} bytes, and behind a blank its token, a number above zero");
        return new WriteFence(name, new FencingToken(token));
    }

    /// <summary>A command under it.</summary>
    public byte[] Around(byte[] command) => ShardFences.Around(Lock, Token, command);
}
