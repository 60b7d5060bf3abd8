using System.Text;

namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>Connections to the nodes of a cluster, and who leads which slot, as its nodes say.</summary>
/// <param name="endpoints">Nodes that are asked first.</param>
/// <param name="signIn">A user and his password, shown on each connection; null for neither.</param>
internal sealed class ClusterLinks(IReadOnlyList<(string Host, int Port)> endpoints, (string User, string Password)? signIn = null) : IDisposable
{
    private readonly Dictionary<(string Host, int Port), RespConnection> connections = [];
    private readonly (string Host, int Port)[] leaders = new (string, int)[KeySlot.Count];

    /// <summary>The nodes that lead slots, each once.</summary>
    public IReadOnlyList<(string Host, int Port)> Leaders => [.. leaders.Distinct()];

    /// <summary>Who leads a slot.</summary>
    public (string Host, int Port) LeaderOf(int slot) => leaders[slot];

    /// <summary>Asks who leads what; all slots must be led.</summary>
    /// <exception cref="TransferFailedException">Nobody answers, or some slots are not served.</exception>
    public async Task LookAsync(CancellationToken cancellation)
    {
        var fault = "";
        foreach (var endpoint in endpoints.Concat(connections.Keys).Distinct().ToArray())
        {
            try
            {
                var link = await ToAsync(endpoint, cancellation).ConfigureAwait(false);
                var reply = await link.AskAsync(cancellation, "CLUSTER", "SLOTS").ConfigureAwait(false);
                if (TryTake(reply)) return;
                fault = reply is RespError error ? error.Text : "some slots are not served";
            }
            catch (Exception broken) when (broken is TransferFailedException or ConnectionGoneException)
            {
                fault = broken.Message;
                Forget(endpoint);
            }
        }

        throw new TransferFailedException($"the cluster cannot be asked who leads its slots: {fault}");
    }

    /// <summary>The connection to a node.</summary>
    public async Task<RespConnection> ToAsync((string Host, int Port) node, CancellationToken cancellation)
    {
        if (connections.TryGetValue(node, out var known)) return known;
        var link = await RespConnection.OpenAsync(node.Host, node.Port, cancellation).ConfigureAwait(false);
        if (signIn is var (user, password) && await link.AskAsync(cancellation, "AUTH", user, password).ConfigureAwait(false) is RespError refused)
        {
            link.Dispose();
            throw new TransferFailedException(refused.Text);
        }

        return connections[node] = link;
    }

    /// <summary>A connection is of no use any more.</summary>
    public void Forget((string Host, int Port) node)
    {
        if (connections.Remove(node, out var gone)) gone.Dispose();
    }

    public void Dispose()
    {
        foreach (var link in connections.Values) link.Dispose();
    }

    private bool TryTake(object? reply)
    {
        if (reply is not object?[] ranges) return false;
        var led = 0;
        foreach (var range in ranges)
        {
            if (range is not object?[] { Length: >= 3 } fields || fields[0] is not long first || fields[1] is not long last || fields[2] is not object?[] { Length: >= 2 } leader) return false;
            var node = (Encoding.UTF8.GetString((byte[])leader[0]!), (int)(long)leader[1]!);
            for (var slot = first; slot <= last; slot++, led++) leaders[slot] = node;
        }

        return led == KeySlot.Count;
    }
}
