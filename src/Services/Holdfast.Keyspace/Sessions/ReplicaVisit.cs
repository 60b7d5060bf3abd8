using Holdfast.Replication;

namespace Holdfast.Keyspace;

/// <summary>A client's read from this node's replica of a shard: asks whether it is fresh enough, and reads when it is.</summary>
internal sealed class ReplicaVisit(ClientSession client, KeyspaceNode node) : IReadCompletion
{
    private bool isAsking;
    private bool isAnsweredAtOnce;

    /// <summary>Asks. True when the answer has come already: then the client goes on by itself, because a long pipeline must not call itself.</summary>
    public bool Begin(ShardSeat seat)
    {
        (isAsking, isAnsweredAtOnce) = (true, false);
        seat.Log.ReadReplica(node.Options.ReplicaAgeMax, this);
        isAsking = false;
        return isAnsweredAtOnce;
    }

    /// <summary>The replica may be read, or may not: then the client is sent to the leader.</summary>
    void IReadCompletion.OnGrant(in ReadGrant grant)
    {
        if (client.IsClosed) return;
        client.OnReplica(grant.IsGranted);
        isAnsweredAtOnce = isAsking;
        if (!isAsking) client.GoOn();
    }
}
