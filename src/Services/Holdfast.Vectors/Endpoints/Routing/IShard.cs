using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>A shard as the face uses it, wherever its replicas are.</summary>
internal interface IShard
{
    /// <summary>Proposes a command; returns when a quorum has it on disk.</summary>
    /// <exception cref="VectorFault">It was refused, or its fate is not known (S25).</exception>
    ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel);

    /// <summary>Refuses a command that is known to be refused, as far as it is known here: before other shards have done their part of the same request. Nothing is proposed.</summary>
    /// <exception cref="VectorFault">It would be refused.</exception>
    ValueTask ForeseeAsync(byte[] command, CancellationToken cancel) => default;

    /// <summary>Asks, as freshly as demanded.</summary>
    /// <exception cref="VectorFault">No replica could answer, or the question is refused.</exception>
    ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel);
}
