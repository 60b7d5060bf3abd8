namespace Holdfast.Vectors;

/// <summary>
/// A request that cannot be fulfilled, with the status and the text that Qdrant's clients know: they look for "doesn't exist" and "already exists". Each kind stands here and nowhere else.
/// </summary>
public sealed class VectorFault : Exception
{
    private VectorFault(int status, string message)
        : base(message) => Status = status;

    /// <summary>The HTTP status; the gRPC door has its own word for each.</summary>
    public int Status { get; }

    /// <summary>400: a body that is no JSON of the expected shape.</summary>
    public static VectorFault BadJson(string what) => new(400, $"Format error in JSON body: {what}");

    /// <summary>400: understood, and wrong.</summary>
    public static VectorFault BadInput(string what) => new(400, $"Wrong input: {what}");

    /// <summary>400: a vector of another length than its column has.</summary>
    public static VectorFault WrongDimension(int expected, int got) => BadInput($"Vector dimension error: expected dim: {expected}, got {got}");

    /// <summary>400: a vector under a name that the collection does not have.</summary>
    public static VectorFault NoSuchVector(string name) => BadInput($"Not existing vector name error: {name}");

    /// <summary>422: a field whose value is out of its range.</summary>
    public static VectorFault Invalid(string field, string what) => new(422, $"Validation error in JSON body: [{field}: {what}]");

    /// <summary>404: no such collection.</summary>
    public static VectorFault NoSuchCollection(string name) => new(404, $"Not found: Collection `{name}` doesn't exist!");

    /// <summary>404: something else that is not there.</summary>
    public static VectorFault NotFound(string what) => new(404, $"Not found: {what}");

    /// <summary>409: the collection is there already.</summary>
    public static VectorFault CollectionExists(string name) => new(409, $"Wrong input: Collection `{name}` already exists!");

    /// <summary>403: a key that may not do this.</summary>
    public static VectorFault Forbidden(string what) => new(403, $"Forbidden: {what}");

    /// <summary>413: larger than a request may be.</summary>
    public static VectorFault TooLarge(long bytesMax) => new(413, $"JSON payload has exceeded limit ({bytesMax} bytes).");

    /// <summary>503: no leader, or too much waits; nothing was written, and asking again is safe.</summary>
    public static VectorFault Unavailable(string what) => new(503, $"Service unavailable: {what}");

    /// <summary>500: it may have been done, or may yet be. We do not try again (S25).</summary>
    public static VectorFault Unknown(string what) => new(500, $"Service internal error: {what}");

    /// <summary>501: a part of the protocol that is not here yet.</summary>
    public static VectorFault NotHere(string what) => new(501, $"Not implemented: {what}");
}
