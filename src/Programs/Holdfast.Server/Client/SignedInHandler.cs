using Grpc.Core;
using Holdfast.Client;

namespace Holdfast.Server.Client;

/// <summary>Shows with every request the token that the client library signs in for. A verb lives for seconds and a token for minutes, so it is not renewed.</summary>
internal sealed class SignedInHandler(HoldfastClient client, HttpMessageHandler connections) : DelegatingHandler(connections)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (await TokenAsync(cancellationToken).ConfigureAwait(false) is { } token) request.Headers.TryAddWithoutValidation("token", token);
        return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) client.Dispose();
        base.Dispose(disposing);
    }

    private async Task<string?> TokenAsync(CancellationToken cancel)
    {
        try
        {
            return await client.SignInAsync(cancel).ConfigureAwait(false);
        }
        catch (RpcException away) when (away.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new HttpRequestException(away.Status.Detail, away);
        }
        catch (RpcException refused)
        {
            throw new SignInException($"cannot sign in: {refused.Status.Detail}", refused);
        }
    }
}

/// <summary>A server did not take the name or the password. It is an <see cref="HttpRequestException"/> so that a survey of many nodes notes it as that node's answer.</summary>
internal sealed class SignInException(string message, Exception cause) : HttpRequestException(message, cause);
