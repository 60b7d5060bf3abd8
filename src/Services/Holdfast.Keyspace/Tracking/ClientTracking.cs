namespace Holdfast.Keyspace;

/// <summary>What a client wants to hear about keys that it caches (CLIENT TRACKING).</summary>
internal sealed class ClientTracking
{
    public bool IsOn { get; set; }

    /// <summary>About all keys of its prefixes, whatever it read.</summary>
    public bool IsBroadcast { get; set; }

    /// <summary>Only what it read after CLIENT CACHING YES.</summary>
    public bool IsOptIn { get; set; }

    /// <summary>All but what it read after CLIENT CACHING NO.</summary>
    public bool IsOptOut { get; set; }

    /// <summary>Not about what it changed itself.</summary>
    public bool IsNoLoop { get; set; }

    /// <summary>The client that hears it in its place; 0 for itself.</summary>
    public long Redirect { get; set; }

    /// <summary>The client it is redirected to has gone.</summary>
    public bool IsBroken { get; set; }

    /// <summary>CLIENT CACHING was said, for the next command.</summary>
    public bool IsCachingSaid { get; set; }

    public List<byte[]> Prefixes { get; } = [];

    /// <summary>Whether the keys of its present command are to be remembered.</summary>
    public bool Remembers => IsOn && !IsBroadcast && !(IsOptIn && !IsCachingSaid) && !(IsOptOut && IsCachingSaid);

    public void TurnOff()
    {
        IsOn = IsBroadcast = IsOptIn = IsOptOut = IsNoLoop = IsBroken = IsCachingSaid = false;
        Redirect = 0;
        Prefixes.Clear();
    }
}
