namespace Holdfast.Keyspace;

/// <summary>The bytes' way to a client: a socket, another node, or a test.</summary>
internal interface IClientWire
{
    /// <summary>There may be replies to send. Called often; what it does may wait until the turn's end.</summary>
    void OnSendable(ClientSession client);

    /// <summary>Something was written that the client did not ask for, such as a message: one of many, perhaps, that may leave together.</summary>
    void OnTold(ClientSession client);

    /// <summary>The client is to be cut off, after what can be sent is sent.</summary>
    void OnClosed(ClientSession client);
}
