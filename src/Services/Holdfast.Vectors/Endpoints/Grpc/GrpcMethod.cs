using Google.Protobuf;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Protocol;
using PointWrite = Holdfast.Vectors.Points.PointWrite;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>A row of the table: a method, who may call it, and by whom it is answered.</summary>
internal abstract class GrpcMethod(string service, string name, AccessRight right, bool isForCollections)
{
    /// <summary>As HTTP/2 names it.</summary>
    public string Path { get; } = $"/{service}/{name}";

    /// <summary>What the caller must be allowed.</summary>
    public AccessRight Right => right;

    /// <summary>Whether it is about collections, and so asks for a key where there is one.</summary>
    public bool IsForCollections => isForCollections;

    /// <summary>Answers.</summary>
    /// <param name="call">The call.</param>
    /// <param name="message">Its message, lent until it is read.</param>
    /// <param name="onCollection">Told which collection it is about, once it may be.</param>
    public abstract Task<IMessage> AnswerAsync(GrpcCall call, LentMessage message, Action<string> onCollection);
}

/// <summary>A method with its message's type.</summary>
internal sealed class GrpcMethod<TRequest>(string service, string name, AccessRight right, MessageParser<TRequest> parser, Func<TRequest, string?>? collectionOf, Func<GrpcCall, TRequest, Task<IMessage>> answer, bool isForCollections = true)
    : GrpcMethod(service, name, right, isForCollections)
    where TRequest : class, IMessage<TRequest>
{
    /// <inheritdoc/>
    public override Task<IMessage> AnswerAsync(GrpcCall call, LentMessage message, Action<string> onCollection)
    {
        var request = parser.ParseFrom(message.Span);
        message.Return();
        var collection = collectionOf?.Invoke(request);
        call.Grant.Require(Right, collection);
        if (collection is not null) onCollection(collection);
        return answer(call, request);
    }
}

/// <summary>Upserts: read by the shortest way (<see cref="UpsertReader"/>), unless they say which points may be written.</summary>
internal sealed class UpsertMethod(string service, Func<GrpcCall, UpsertPoints, int, Func<List<PointWrite>>, Task<IMessage>> upsert, Func<GrpcCall, UpsertPoints, Task<IMessage>> upsertWhere)
    : GrpcMethod(service, "Upsert", AccessRight.Write, isForCollections: true)
{
    /// <inheritdoc/>
    public override Task<IMessage> AnswerAsync(GrpcCall call, LentMessage message, Action<string> onCollection)
    {
        UpsertPoints request;
        List<PointWrite>? points = null;
        if (UpsertReader.TryRead(message.Span) is { } read && IsPlain(read.Request)) (request, points) = read;
        else request = UpsertPoints.Parser.ParseFrom(message.Span);
        message.Return();
        call.Grant.Require(Right, request.CollectionName);
        onCollection(request.CollectionName);
        return IsPlain(request) ? upsert(call, request, points?.Count ?? request.Points.Count, () => points ?? ProtoPoints.Read(request.Points)) : upsertWhere(call, request);
    }

    private static bool IsPlain(UpsertPoints request) => request.UpdateFilter is null && request.UpdateMode == UpdateMode.Upsert;
}
