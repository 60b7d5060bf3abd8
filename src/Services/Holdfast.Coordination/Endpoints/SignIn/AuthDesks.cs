using Holdfast.Cluster;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>How callers are recognised on one node.</summary>
public sealed record CoordinationAuthOptions
{
    /// <summary>How long a token of ours is valid after it was issued, or last used on this node (etcd: <c>--auth-token-ttl</c>, 300 s).</summary>
    public TimeSpan TokenTimeToLive { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>JSON Web Tokens instead of our own; null for our own.</summary>
    public JwtPlan? Jwt { get; init; }

    /// <summary>Rounds for the verifiers of new passwords.</summary>
    public int PasswordIterations { get; init; } = ScramVerifier.IterationsDefault;

    /// <summary>The wall clock, for when tokens end.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>What the faces of one node share for recognising callers: its memory of tokens and passwords, and the threads that hash.</summary>
internal sealed class AuthDesks(CoordinationAuthOptions options)
{
    /// <summary>Issues tokens and reads them.</summary>
    public ITokenDesk Tokens { get; } = options.Jwt is { } jwt ? new JwtDesk(jwt, options.Clock) : new SignedTokenDesk(options.TokenTimeToLive, options.Clock);

    /// <summary>Hashes passwords and checks them.</summary>
    public PasswordDesk Passwords { get; } = new(options.PasswordIterations);
}
