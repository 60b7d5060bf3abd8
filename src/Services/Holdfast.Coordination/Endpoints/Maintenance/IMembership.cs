using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination;

/// <summary>
/// The cluster's members and what may be done with them, as the program provides it over its directory. Callable from any thread; a refusal is an
/// <see cref="EtcdException"/> with etcd's own error.
/// </summary>
public interface IMembership
{
    /// <summary>Waits until this node has seen every change that was answered before, so that the list is as new as the question.</summary>
    ValueTask CatchUpAsync(CancellationToken cancel = default);

    /// <summary>Whether an id is a member's, or was a reserved place's to which a member has come.</summary>
    bool Knows(ulong member);

    /// <summary>Reserves a place for one node that will come from the given peer address. Answers with the member as it is until then: without a name.</summary>
    ValueTask<Member> AddAsync(IReadOnlyList<string> peerUrls, bool isLearner, CancellationToken cancel = default);

    /// <summary>Takes a member out for good, or gives up a reserved place.</summary>
    ValueTask RemoveAsync(ulong member, CancellationToken cancel = default);

    /// <summary>Says where a member's peers reach it from now on.</summary>
    ValueTask UpdateAsync(ulong member, IReadOnlyList<string> peerUrls, CancellationToken cancel = default);

    /// <summary>Makes a learner a voter, if it has caught up.</summary>
    ValueTask PromoteAsync(ulong member, CancellationToken cancel = default);
}
