using Google.Protobuf;
using Google.Protobuf.Reflection;
using Holdfast.Coordination.Endpoints.Json;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>The shapes of the streams' requests, and how any shape is made.</summary>
internal static class Shapes
{
    public static readonly MessageShape<WatchRequest> Watch = Of(WatchRequest.Parser, WatchRequest.Descriptor);
    public static readonly MessageShape<LeaseKeepAliveRequest> LeaseKeepAlive = Of(LeaseKeepAliveRequest.Parser, LeaseKeepAliveRequest.Descriptor);

    public static MessageShape<T> Of<T>(MessageParser<T> parser, MessageDescriptor descriptor)
        where T : class, IMessage<T> => new(parser, JsonShape.Of(descriptor));
}
