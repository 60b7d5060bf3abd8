using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// Compares replicas: at every so-many-th committed index each remembers its state's hash, the leader tells the others, and a difference is an alarm. Two
/// replicas that differ were broken by a bug or by the machine; neither can say which of them is right.
/// </summary>
internal sealed class HashCheck(Replica replica)
{
    private const int Remembered = 16;

    private static readonly Mark Compared = new("replication: state hashes compared");

    private readonly (ulong Index, ulong Hash)[] own = new (ulong, ulong)[Remembered];
    private readonly (ulong Index, ulong Hash)[] claimed = new (ulong, ulong)[Remembered];
    private readonly ByteBuffer frame = new();
    private int ownNext;
    private int claimedNext;

    public bool HasDiverged { get; private set; }

    public void OnApplied(LogPosition position)
    {
        // What was executed ahead of its commit is in the machine's hash already: nothing to compare (S10).
        if (replica.Execution is { IsSettled: false }) return;
        var mine = (position.Index.Value, replica.State!.StateHash);
        own[ownNext++ % Remembered] = mine;
        Compare(mine, claimed);
        if (replica.Node.Role != RaftRole.Leader) return;
        var writer = replica.BeginFrame(frame, FrameKind.StateHash);
        writer.WriteUInt64(mine.Item1);
        writer.WriteUInt64(mine.Item2);
        foreach (var member in replica.Node.Configuration.Members)
            if (member.Node != replica.Node.Self) replica.Loop.Mesh.TrySend(member.Node, frame.Written);
    }

    public void OnClaim(ref SpanReader reader)
    {
        var claim = (reader.ReadUInt64(), reader.ReadUInt64());
        if (!reader.IsWhole) return;
        claimed[claimedNext++ % Remembered] = claim;
        Compare(claim, own);
    }

    private void Compare((ulong Index, ulong Hash) one, (ulong Index, ulong Hash)[] others)
    {
        foreach (var other in others)
        {
            if (other.Index != one.Index || one.Index == 0) continue;
            Compared.Hit();
            HasDiverged |= other.Hash != one.Hash;
        }
    }
}
