using System.Net.Sockets;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>Answers a control call. Runs on the thread pool; throws <see cref="ControlRefusedException"/> to refuse in words.</summary>
public delegate ValueTask<ReadOnlyMemory<byte>> ControlHandler(ControlRequest request, CancellationToken cancellation);

/// <summary>
/// The rare, small conversations between nodes: bootstrap, join, administration. They work before a node has an id or a cluster, run apart from the loops on the thread pool, and are
/// bounded in number, length and time. A table of verbs; who may call one without a certificate is said where the verb is added.
/// </summary>
public sealed class ControlService : IDisposable
{
    /// <summary>Reserved: shows the cluster's authority, so that a joiner can compare it with the hash in its token.</summary>
    internal const ushort AuthorityVerb = 0;

    private static readonly Mark Full = new("transport: control calls at their bound");
    private readonly TransportOptions options;
    private readonly TransportLog log;
    private readonly Dictionary<ushort, Entry> verbs = [];
    private readonly CancellationTokenSource stopping = new();
    private int running;

    private readonly record struct Entry(ControlHandler Handler, bool AllowsAnonymous);

    /// <summary>A service without verbs.</summary>
    public ControlService(TransportOptions options, TransportLog log)
    {
        this.options = options;
        this.log = log;
    }

    /// <summary>Adds a verb. Before the listener starts.</summary>
    /// <param name="verb">Its number, from 1 on.</param>
    /// <param name="handler">Who answers.</param>
    /// <param name="allowsAnonymous">Whether a caller without a certificate of the cluster may call it: only joining.</param>
    public void Add(ushort verb, ControlHandler handler, bool allowsAnonymous = false) => verbs.Add(verb, new Entry(handler, allowsAnonymous));

    /// <summary>Ends the calls that run.</summary>
    public void Dispose() => stopping.Cancel();

    internal bool TryAdopt(ByteChannel channel, in PeerPreamble preamble, LocalNode self)
    {
        if (Interlocked.Increment(ref running) > options.ControlCallsMax)
        {
            Interlocked.Decrement(ref running);
            Full.Hit();
            return false;
        }

        var caller = preamble;
        if (!PeerGate.TryAnswer(channel, self, PeerVerdict.Accepted) || channel.IntoStream() is not { } stream)
        {
            Interlocked.Decrement(ref running);
            channel.Close();
            return true;
        }

        var asked = new ControlRequest(0, default, caller.Sender, caller.Cluster, caller.FeatureLevel, channel.IsAuthenticated, channel.Remote) { Certificate = channel.PeerCertificate };
        _ = Task.Run(() => ServeAsync(stream, asked));
        return true;
    }

    private async Task ServeAsync(Stream stream, ControlRequest caller)
    {
        try
        {
            await using (stream.ConfigureAwait(false))
            {
                while (await TakeOneAsync(stream, caller).ConfigureAwait(false))
                {
                }
            }
        }
        catch (Exception fault) when (fault is IOException or SocketException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            if (fault is InvalidDataException) log(TransportSeverity.Warning, $"control call from {caller.Remote}: {fault.Message}");
        }
        finally
        {
            Interlocked.Decrement(ref running);
        }
    }

    private async ValueTask<bool> TakeOneAsync(Stream stream, ControlRequest caller)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        patience.CancelAfter(options.ControlIdleMax);
        if (await ControlFrames.ReadAsync(stream, options.ControlBytesMax, patience.Token).ConfigureAwait(false) is not var (verb, payload)) return false;
        var (status, answer) = await AnswerAsync(caller with { Verb = verb, Payload = payload }).ConfigureAwait(false);
        patience.CancelAfter(options.ControlIdleMax);
        await ControlFrames.WriteAsync(stream, (ushort)status, answer, patience.Token).ConfigureAwait(false);
        return true;
    }

    private async ValueTask<(ControlStatus Status, ReadOnlyMemory<byte> Answer)> AnswerAsync(ControlRequest request)
    {
        if (!verbs.TryGetValue(request.Verb, out var entry)) return (ControlStatus.UnknownVerb, default);
        if (!request.IsAuthenticated && !entry.AllowsAnonymous) return (ControlStatus.NoCertificate, default);
        try
        {
            var answer = await entry.Handler(request, stopping.Token).ConfigureAwait(false);
            return answer.Length <= options.ControlBytesMax
                ? (ControlStatus.Ok, answer)
                : (ControlStatus.Failed, Encoding.UTF8.GetBytes("the answer is longer than a control call allows"));
        }
        catch (Exception fault) when (fault is not (InvariantBrokenException or OutOfMemoryException))
        {
            if (fault is not ControlRefusedException) log(TransportSeverity.Warning, $"control verb {request.Verb} from {request.Remote} failed: {fault}");
            return (fault is ControlRefusedException { MayPass: true } ? ControlStatus.Busy : ControlStatus.Failed, Encoding.UTF8.GetBytes(fault.Message));
        }
    }
}
