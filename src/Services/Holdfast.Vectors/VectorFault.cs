namespace Holdfast.Vectors;

/// <summary>
/// A request that cannot be fulfilled, with the status and the text that Qdrant's clients know: they look for "doesn't exist" and "already exists". Each kind stands here and nowhere else.
/// </summary>
public sealed class VectorFault : Exception
{
    private const int MisdirectedStatus = 421;

    private VectorFault(int status, string message)
        : base(message) => Status = status;

    /// <summary>The HTTP status; the gRPC door has its own word for each.</summary>
    public int Status { get; }

    /// <summary>When asking again will help; null where nobody knows.</summary>
    public int? RetryAfterSeconds { get; private init; }

    /// <summary>What another node said, word for word.</summary>
    internal static VectorFault Relayed(int status, string message) => new(status, message);

    /// <summary>400: a body that is no JSON of the expected shape.</summary>
    public static VectorFault BadJson(string what) => new(400, $"Format error in JSON body: {what}");

    /// <summary>400: understood, and wrong.</summary>
    public static VectorFault BadInput(string what) => new(400, $"Wrong input: {what}");

    /// <summary>400: understood, and not to be asked so: what Qdrant says of queries and of places of snapshots.</summary>
    public static VectorFault BadRequest(string what) => new(400, $"Bad request: {what}");

    /// <summary>400: a vector of another length than its column has.</summary>
    public static VectorFault WrongDimension(int expected, int got) => BadInput($"Vector dimension error: expected dim: {expected}, got {got}");

    /// <summary>400: a vector under a name that the collection does not have.</summary>
    public static VectorFault NoSuchVector(string name) => BadInput($"Not existing vector name error: {name}");

    /// <summary>422: a field whose value is out of its range.</summary>
    public static VectorFault Invalid(string field, string what) => new(422, $"Validation error in JSON body: [{field}: {what}]");

    /// <summary>422: a part of the path that is out of its range.</summary>
    public static VectorFault InvalidPath(string part, string what) => new(422, $"Validation error in path parameters: [{part}: {what}]");

    /// <summary>404: no such collection, where another collection's request names it.</summary>
    public static VectorFault NoSuchOther(string name) => NotFound($"Collection {name} not found");

    /// <summary>404: no such collection.</summary>
    public static VectorFault NoSuchCollection(string name) => new(404, $"Not found: Collection `{name}` doesn't exist!");

    /// <summary>404: something else that is not there.</summary>
    public static VectorFault NotFound(string what) => new(404, $"Not found: {what}");

    /// <summary>409: the collection is there already.</summary>
    public static VectorFault CollectionExists(string name) => new(409, $"Wrong input: Collection `{name}` already exists!");

    /// <summary>403: a key that may not do this.</summary>
    public static VectorFault Forbidden(string what) => new(403, $"Forbidden: {what}");

    /// <summary>400: what the collection's strict mode does not allow, and what would help.</summary>
    public static VectorFault Strict(string what, string help) => new(400, $"Bad request: {what}. Help: {help}");

    /// <summary>401: no key, or one that nobody knows.</summary>
    public static VectorFault Unauthorized(string what) => new(401, what);

    /// <summary>408: not done within the time that the client gave; of a write, whether it was done is not known.</summary>
    public static VectorFault TimedOut(string what) => new(408, $"Timeout error: {what}");

    /// <summary>429: more than the collection's strict mode allows per minute.</summary>
    /// <param name="what">What was too much.</param>
    /// <param name="afterSeconds">When asking again will help.</param>
    public static VectorFault RateLimited(string what, int afterSeconds) => new(429, what) { RetryAfterSeconds = afterSeconds };

    /// <summary>412: the lock that the request is made under has a later holder by now (S22); nothing was done, and asking again does not help.</summary>
    internal static VectorFault Fenced(string what) => new(412, $"Fenced: {what}");

    /// <summary>413: larger than a request may be.</summary>
    public static VectorFault TooLarge(long bytesMax) => new(413, $"JSON payload has exceeded limit ({bytesMax} bytes).");

    /// <summary>421: the shard does not have what is asked for, or not for long: the directory says who has it. Between nodes and inside them only; a client is told to ask again when it takes too long.</summary>
    internal static VectorFault Misdirected(string what) => new(MisdirectedStatus, $"Service unavailable: {what}");

    /// <summary>The same of a request whose other shards have done their part. Asking again is not safe where a write was to be made once only: what promised that becomes 500.</summary>
    internal VectorFault HalfDone() => new(Status == 503 ? 500 : Status, $"a part of the request was done, and another refused: {Message}");

    /// <summary>Whether the shard that was asked does not have what it was asked for: nothing was done, and another has it.</summary>
    internal bool IsMisdirected => Status == MisdirectedStatus;

    /// <summary>503: no leader, or too much waits; nothing was written, and asking again is safe.</summary>
    public static VectorFault Unavailable(string what) => new(503, $"Service unavailable: {what}");

    /// <summary>500: it may have been done, or may yet be. We do not try again (S25).</summary>
    public static VectorFault Unknown(string what) => new(500, $"Service internal error: {what}");

    /// <summary>501: a part of the protocol that is not here yet.</summary>
    public static VectorFault NotHere(string what) => new(501, $"Not implemented: {what}");
}
