namespace Holdfast.Keyspace;

/// <summary>What a client has said of itself (CLIENT …, HELLO).</summary>
internal sealed class ClientTraits
{
    public string Name { get; set; } = "";

    public string LibraryName { get; set; } = "";

    public string LibraryVersion { get; set; } = "";

    public string Address { get; set; } = "";

    public string LocalAddress { get; set; } = "";

    public bool IsNoEvict { get; set; }

    public bool IsNoTouch { get; set; }

    public void Reset()
    {
        Name = "";
        IsNoTouch = false;
    }

    /// <summary>A command was answered. CLIENT REPLY hooks in here.</summary>
    public void OnReplied(ClientSession client) => _ = client;
}
