using System.CommandLine;
using System.Text.Json;
using Grpc.Core;
using Holdfast.Client;
using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Client;

namespace Holdfast.Server.Commands;

/// <summary>Why a verb was not done, and how it is said: a sentence on standard error with its code in brackets, or a JSON object there.</summary>
/// <param name="Code">For programs.</param>
/// <param name="Message">For people: what, why, what to do.</param>
internal sealed record Failure(ErrorCode Code, string Message)
{
    /// <summary>etcd's texts for a caller whose name is missing or wrong; it says them as INVALID_ARGUMENT or UNAUTHENTICATED.</summary>
    private static readonly string[] NameRefusals = ["user name is empty", "invalid user ID or password", "invalid auth token", "revision of auth store is old"];

    /// <summary>What an exception means to whoever typed the verb; null for what is a bug of ours.</summary>
    public static Failure? Of(Exception exception) => exception switch
    {
        OutcomeUnknownException unknown => new(ErrorCode.OutcomeUnknown, unknown.Message),
        RpcException refused => new(CodeOf(refused), Sentence(refused)),
        AdminException { HttpStatus: 403 or 401 } forbidden => new(ErrorCode.Forbidden, forbidden.Message),
        AdminException { HttpStatus: 503 } away => new(ErrorCode.Unavailable, away.Message),
        AdminException refused => new(ErrorCode.Refused, refused.Message),
        SignInException stranger => new(ErrorCode.NotSignedIn, stranger.Message),
        HttpRequestException unreachable => new(ErrorCode.Unavailable, unreachable.Message),
        TaskCanceledException late => new(ErrorCode.TimedOut, late.Message),
        ClientAccessException or ArgumentException => new(ErrorCode.Misused, exception.Message),
        _ => null,
    };

    /// <summary>Says it, and returns the exit code.</summary>
    public int Say(ParseResult parsed)
    {
        Console.Error.WriteLine(Report.IsJson(parsed)
            ? JsonSerializer.Serialize(new FailureRow(Code.Name, Code.Exit, Message), ReportJson.Lines.FailureRow)
            : $"holdfast: {Message} [{Code.Name}]");
        return Code.Exit;
    }

    private static ErrorCode CodeOf(RpcException refused) => refused.StatusCode switch
    {
        _ when Array.Exists(NameRefusals, text => refused.Status.Detail.Contains(text, StringComparison.Ordinal)) => ErrorCode.NotSignedIn,
        StatusCode.Unavailable => ErrorCode.Unavailable,
        StatusCode.DeadlineExceeded or StatusCode.Cancelled => ErrorCode.TimedOut,
        StatusCode.Unauthenticated => ErrorCode.NotSignedIn,
        StatusCode.PermissionDenied => ErrorCode.Forbidden,
        StatusCode.ResourceExhausted => refused.Status.Detail.Contains("space exceeded", StringComparison.Ordinal) ? ErrorCode.NoSpace : ErrorCode.TooLarge,
        StatusCode.OutOfRange => ErrorCode.Compacted,
        StatusCode.NotFound => ErrorCode.NotFound,
        _ => ErrorCode.Refused,
    };

    private static string Sentence(RpcException refused) =>
        refused.StatusCode == StatusCode.Unavailable ? $"{refused.Status.Detail}; is a server running there? --endpoints or HOLDFAST_ENDPOINTS says where to look"
        : refused.Status.Detail.Length > 0 ? refused.Status.Detail : $"no answer in time ({refused.StatusCode}); is the server busy, or cut off from the others?";
}
