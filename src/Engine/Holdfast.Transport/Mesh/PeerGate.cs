using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>Decides who may come in. A table in code: the first row that fits is the verdict.</summary>
internal static class PeerGate
{
    public static PeerVerdict Judge(in PeerPreamble preamble, LocalNode self, PeerAddresses addresses, bool isAuthenticated)
    {
        // Control calls are made by those who have no cluster yet, too; what each may do is decided per verb.
        if (preamble.Wanted != NodeId.None && preamble.Wanted != self.Id) return PeerVerdict.OtherNode;
        if (preamble.Kind == PeerConnectionKind.Control) return PeerVerdict.Accepted;
        if (!isAuthenticated) return PeerVerdict.NoCertificate;
        if (self.Cluster == ClusterId.None || preamble.Cluster != self.Cluster) return PeerVerdict.OtherCluster;
        if (preamble.Sender == NodeId.None || preamble.Wanted == NodeId.None) return PeerVerdict.OtherNode;
        if (addresses.IsRemoved(preamble.Sender)) return PeerVerdict.Removed;
        return preamble.Sender.CompareTo(self.Id) < 0 ? PeerVerdict.Accepted : PeerVerdict.WrongDirection;
    }

    /// <summary>Says the verdict. False when the connection is broken or, against all likelihood, its empty buffer has no room for forty bytes.</summary>
    public static bool TryAnswer(ByteChannel channel, LocalNode self, PeerVerdict verdict)
    {
        Span<byte> bytes = stackalloc byte[PeerAnswer.Size];
        new PeerAnswer(verdict, self.Cluster, self.Id, self.BootCount, self.FeatureLevel).Write(bytes);
        return channel.Send(bytes) == bytes.Length;
    }
}
