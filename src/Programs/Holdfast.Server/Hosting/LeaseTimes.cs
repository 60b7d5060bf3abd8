using System.Buffers.Binary;
using Holdfast.Coordination;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>
/// How a member that does not lead learns what time a lease has left: only the leader's clock runs, so it is asked, over a control call between nodes.
/// Question: the lease's id. Answer: its seconds, -1 for an unknown lease, or nothing when the asked one does not lead.
/// </summary>
internal sealed class LeaseTimes(LocalNode self, PeerAddresses addresses, PeerTls? tls)
{
    /// <summary>The call's number; never changes.</summary>
    public const ushort Verb = 0x0201;

    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(2);
    private volatile CoordinationFace? face;

    /// <summary>Other members are answered from now on.</summary>
    public void Serve(CoordinationFace keyspace) => face = keyspace;

    /// <summary>Answers another member.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> OnAsked(ControlRequest request, CancellationToken cancel)
    {
        if (request.Payload.Length != 8) throw new ControlRefusedException("the question is not whole");
        var lease = BinaryPrimitives.ReadInt64LittleEndian(request.Payload.Span);
        if (face is not { } here || await here.RemainingSecondsAsync(lease, cancel) is not { } seconds) return default;
        var answer = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(answer, seconds);
        return answer;
    }

    /// <summary>Asks the leader.</summary>
    public async ValueTask<long?> AskAsync(ulong leader, long lease, CancellationToken cancel)
    {
        if (!addresses.TryGet(new NodeId(leader), out var address)) return null;
        var question = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(question, lease);
        var reply = await ControlClient.CallAsync(HostPort.Format(address.Host, address.Port), Verb, question, AnswerMax, ControlTrust.Of(tls), self, cancellation: cancel);
        return reply.IsOk && reply.Payload.Length == 8 ? BinaryPrimitives.ReadInt64LittleEndian(reply.Payload.Span) : null;
    }
}
