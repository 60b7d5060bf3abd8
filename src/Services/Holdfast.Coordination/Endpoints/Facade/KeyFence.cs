using System.Globalization;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Protocol;
using static Holdfast.Coordination.Protocol.Compare.Types;

namespace Holdfast.Coordination;

/// <summary>
/// The lock or leadership that a request is made under (S22), as the metadata or header <c>holdfast-fence: KEY TOKEN</c> says it: the holder's key, and its create revision, which is the token. Here the locks themselves are
/// kept, so nothing needs to be remembered: what the request would change is done in one transaction that compares, and not at all once that key is another's or gone.
/// </summary>
/// <param name="Key">The holder's key.</param>
/// <param name="Token">Its create revision.</param>
public sealed record KeyFence(ByteString Key, long Token)
{
    private const string Header = "holdfast-fence";
    private const string HeaderByJson = "Grpc-Metadata-Holdfast-Fence";

    /// <summary>Whether a request is made under one.</summary>
    internal static bool IsShownBy(HttpExchange exchange) => exchange.RequestHeaders.ContainsKey(Header) || exchange.RequestHeaders.ContainsKey(HeaderByJson);

    /// <summary>The same face, for a request that shows one; as it is for any other.</summary>
    /// <exception cref="EtcdException">It cannot be read.</exception>
    internal static ICoordination Over(ICoordination coordination, HttpExchange exchange)
    {
        if (!IsShownBy(exchange)) return coordination;
        var text = (exchange.RequestHeaders.TryGetValue(Header, out var said) ? said : exchange.RequestHeaders[HeaderByJson]).ToString();
        var blank = text.LastIndexOf(' ');
        if (blank <= 0 || !long.TryParse(text[(blank + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var token) || token == 0) throw new EtcdException(EtcdErrors.FenceUnread);
        return coordination.Under(new KeyFence(ByteString.CopyFromUtf8(text[..blank]), token));
    }

    /// <summary>A write as a transaction that is done only under it.</summary>
    internal TxnRequest Around(RequestOp write) => new()
    {
        Compare = { new Compare { Target = CompareTarget.Create, Result = CompareResult.Equal, Key = Key, CreateRevision = Token } },
        Success = { write },
    };
}
