using Google.Protobuf;
using Holdfast.Coordination.Discovery;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives.Metrics;
using Holdfast.Wire.Dns;
using Microsoft.Extensions.Logging;

namespace Holdfast.Coordination.Endpoints.Dns;

/// <summary>From a question's bytes to an answer's: reads the registry where the question is about a service. Serializably: DNS is asked most when something is down, and an answer that is a moment old is better than none.</summary>
internal sealed class DnsResolution(ICoordination coordination, ServiceZone zone, DnsOptions options)
{
    /// <summary>Entries of one service that are looked at: more instances than this are not seen by DNS.</summary>
    private const int EntriesMax = 1024;

    private readonly ILogger log = options.Logging.CreateLogger("Holdfast.Coordination.Endpoints.Dns");
    private readonly Caller caller = new(CallerKind.Certificate, options.User, 0);
    private readonly Counter answered = options.Metrics.Counter("holdfast_dns_questions_total", "Questions to the DNS door that were answered.", "result=\"answered\"");
    private readonly Counter refused = options.Metrics.Counter("holdfast_dns_questions_total", "Questions to the DNS door that were answered.", "result=\"refused\"");
    private readonly Counter failed = options.Metrics.Counter("holdfast_dns_questions_total", "Questions to the DNS door that were answered.", "result=\"failed\"");
    private uint turn;
    private int isDenied;

    /// <summary>Answers into a buffer; the answer's length, 0 when there is nothing to say. Never throws for what was asked.</summary>
    public async ValueTask<int> AnswerAsync(ReadOnlyMemory<byte> message, Memory<byte> into, bool isUdp, CancellationToken cancel)
    {
        if (DnsQuery.Read(message.Span) is not { } query) return 0;
        var reply = await ReplyAsync(query, cancel).ConfigureAwait(false);
        (reply.Code switch { DnsCode.NoError or DnsCode.NameError => answered, DnsCode.ServerFailure => failed, _ => refused }).Increment();
        var room = isUdp ? Math.Min(into.Length, DnsReplyWriter.UdpRoom(query)) : into.Length;
        return DnsReplyWriter.Write(into.Span[..room], query, reply);
    }

    private async ValueTask<DnsReply> ReplyAsync(DnsQuery query, CancellationToken cancel)
    {
        var question = ServiceZone.Question(query);
        try
        {
            var entries = query.Fault == DnsCode.NoError && question.Kind == ZoneQuestionKind.Service ? await EntriesAsync(question.Service, cancel).ConfigureAwait(false) : [];
            return zone.Answer(query, entries, Interlocked.Increment(ref turn));
        }
        catch (EtcdException denied) when (denied.Error.Code is EtcdCode.PermissionDenied or EtcdCode.Unauthenticated or EtcdCode.InvalidArgument)
        {
            // Said once, and again only after questions were answered in between: whoever asks may not fill the log.
            if (Interlocked.Exchange(ref isDenied, 1) == 0) EndpointLog.DnsDenied(log, options.User, denied.Message);
            return new DnsReply { Code = DnsCode.Refused };
        }
        catch (EtcdException)
        {
            return new DnsReply { Code = DnsCode.ServerFailure };
        }
    }

    private async ValueTask<List<RegisteredInstance>> EntriesAsync(string service, CancellationToken cancel)
    {
        var prefix = RegisteredInstance.PrefixOf(service);
        var request = new RangeRequest { Key = ByteString.CopyFromUtf8(prefix), RangeEnd = ByteString.CopyFromUtf8(prefix[..^1] + (char)('/' + 1)), Limit = EntriesMax, Serializable = true };
        var found = await coordination.As(caller).RangeAsync(request, cancel).ConfigureAwait(false);
        Volatile.Write(ref isDenied, 0);
        return [.. found.Kvs.Select(pair => RegisteredInstance.TryParse(pair.Value.Memory)).OfType<RegisteredInstance>()];
    }
}
