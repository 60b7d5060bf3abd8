using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Server.Client;

/// <summary>Signs in at the first request and shows the token with every one. A verb lives for seconds and a token for minutes, so it is not renewed; a watch shows it only at its beginning.</summary>
internal sealed class SignedInHandler(ClientAccess access, string url) : DelegatingHandler(access.Connections())
{
    private readonly Lock gate = new();
    private Task<string>? token;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Task<string> signingIn;
        lock (gate) signingIn = token ??= SignInAsync();
        request.Headers.TryAddWithoutValidation("token", await signingIn.WaitAsync(cancellationToken).ConfigureAwait(false));
        return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> SignInAsync()
    {
        using var channel = GrpcChannel.ForAddress(url, new GrpcChannelOptions { HttpHandler = access.Connections() });
        try
        {
            var answer = await new Auth.AuthClient(channel).AuthenticateAsync(new AuthenticateRequest { Name = access.User, Password = access.Password }, deadline: DateTime.UtcNow.AddSeconds(10));
            return answer.Token;
        }
        catch (RpcException refused)
        {
            throw new HttpRequestException($"cannot sign in as {access.User}: {refused.Status.Detail}", refused);
        }
    }
}
