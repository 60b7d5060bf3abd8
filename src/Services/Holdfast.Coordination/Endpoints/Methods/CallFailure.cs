using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>How a call failed, in the words of the wire: a gRPC status number and a message.</summary>
internal readonly record struct CallFailure(int Code, string Message)
{
    public const int Cancelled = 1;
    public const int Unknown = 2;
    public const int InvalidArgument = 3;
    public const int DeadlineExceeded = 4;
    public const int NotFound = 5;
    public const int ResourceExhausted = 8;
    public const int Unimplemented = 12;
    public const int Internal = 13;
    public const int Unavailable = 14;

    /// <summary>An error of etcd's table.</summary>
    public static CallFailure From(EtcdError error) => new((int)error.Code, error.Message);

    /// <summary>What an exception means to the client. <paramref name="deadlinePassed"/> tells the client's own deadline from its going away.</summary>
    public static CallFailure From(Exception exception, bool deadlinePassed) => exception switch
    {
        EtcdException etcd => From(etcd.Error),
        CallException call => call.Failure,
        OperationCanceledException when deadlinePassed => new(DeadlineExceeded, "context deadline exceeded"),
        OperationCanceledException => new(Cancelled, "context canceled"),
        BadHttpRequestException { StatusCode: 413 } => new(ResourceExhausted, "holdfast: the request's body is larger than is read at all"),
        BadHttpRequestException bad => new(InvalidArgument, "holdfast: " + bad.Message),
        InvalidProtocolBufferException bad => new(Internal, "grpc: error unmarshalling request: " + bad.Message),
        _ => new(Unknown, "holdfast: internal error"),
    };

    /// <summary>The gRPC message limit was met; the text is grpc-go's.</summary>
    public static CallFailure MessageTooLarge(long length, int max) => new(ResourceExhausted, $"grpc: received message larger than max ({length} vs. {max})");

    /// <summary>The HTTP status of the JSON gateway, as grpc-gateway v2 has it, which etcd 3.6 uses (3.4 and 3.5 use v1: 408 for a cancelled call).</summary>
    public int HttpStatus => Code switch
    {
        0 => 200,
        1 => 499,
        3 or 9 or 11 => 400,
        4 => 504,
        5 => 404,
        6 or 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    };
}

/// <summary>A <see cref="CallFailure"/> that leaves the call's code path: a request that cannot be read or is not offered.</summary>
internal sealed class CallException(CallFailure failure) : Exception(failure.Message)
{
    public CallFailure Failure { get; } = failure;

    public CallException(int code, string message)
        : this(new CallFailure(code, message))
    {
    }
}
