namespace Holdfast.Coordination.Endpoints.Http;

/// <summary>How many unary requests, and how many bytes of them, may be under way at once. When it is full the request is answered, as by etcd, "too many requests": it was not executed.</summary>
internal sealed class RequestBudget(int requestsMax, long bytesMax)
{
    private long requests;
    private long bytes;

    /// <summary>Requests under way.</summary>
    public long Requests => Volatile.Read(ref requests);

    /// <summary>Takes a place for a request of that size; on true, <see cref="Leave"/> must follow.</summary>
    public bool TryEnter(int size)
    {
        var requestsNow = Interlocked.Increment(ref requests);
        var bytesNow = Interlocked.Add(ref bytes, size);
        if (requestsNow <= requestsMax && bytesNow <= bytesMax) return true;
        Leave(size);
        return false;
    }

    /// <summary>Gives the place back.</summary>
    public void Leave(int size)
    {
        Interlocked.Decrement(ref requests);
        Interlocked.Add(ref bytes, -size);
    }
}
