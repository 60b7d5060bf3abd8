using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Json;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>How a request message is read: from protobuf bytes by its parser, from JSON by its shape.</summary>
internal sealed record MessageShape<T>(MessageParser<T> Parser, JsonShape Json)
    where T : class, IMessage<T>;
