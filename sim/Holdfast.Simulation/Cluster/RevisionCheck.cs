using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Revisions in real time: whoever asks for a linearizable answer gets one of a revision not below any that had been answered before the question. One
/// counter for the whole keyspace, so this sees what the history of a single key does not.
/// </summary>
internal sealed class RevisionCheck
{
    private long answered;

    /// <summary>What a question that is asked now must reach.</summary>
    public long Floor => answered;

    public void OnAnswered(long revision, long floor, string what)
    {
        if (revision < floor) throw new CheckFailedException($"{what} was answered at revision {revision}, after somebody had seen {floor}");
        answered = Math.Max(answered, revision);
    }
}
