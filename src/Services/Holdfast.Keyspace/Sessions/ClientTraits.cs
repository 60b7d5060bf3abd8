namespace Holdfast.Keyspace;

/// <summary>Whether a client wants replies (CLIENT REPLY).</summary>
internal enum ReplyMode : byte
{
    On,
    Off,

    /// <summary>CLIENT REPLY SKIP was said: the next command's reply is not wanted.</summary>
    SkipNext,

    /// <summary>That command is the present one.</summary>
    Skipping,
}

/// <summary>What a client has said of itself (CLIENT …, HELLO).</summary>
internal sealed class ClientTraits
{
    public string Name { get; set; } = "";

    public string LibraryName { get; set; } = "";

    public string LibraryVersion { get; set; } = "";

    public string Address { get; set; } = "";

    public string LocalAddress { get; set; } = "";

    /// <summary>The number of its socket; 0 for none.</summary>
    public int Descriptor { get; set; }

    public bool IsNoEvict { get; set; }

    public bool IsNoTouch { get; set; }

    public void Reset()
    {
        Name = "";
        IsNoTouch = IsNoEvict = false;
        Replying = ReplyMode.On;
    }

    public ReplyMode Replying { get; set; }

    /// <summary>A command was answered: its reply goes away when it is not wanted.</summary>
    public void OnReplied(ClientSession client)
    {
        if (Replying == ReplyMode.On) return;
        client.Replies.DropSinceMark();
        if (Replying != ReplyMode.Off) Replying = Replying == ReplyMode.SkipNext ? ReplyMode.Skipping : ReplyMode.On;
    }
}
