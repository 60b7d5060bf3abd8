namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>What answering questions costs one replica, and what it has answered lately. For all threads.</summary>
internal sealed class ReadLoad
{
    private long micros;

    /// <summary>Microseconds of the threads that answered, since the replica began to serve.</summary>
    public long Micros => Volatile.Read(ref micros);

    /// <summary>The answers.</summary>
    public AnswerCache Answers { get; } = new();

    /// <summary>Adds what an answer took.</summary>
    public void Add(long taken) => Interlocked.Add(ref micros, taken);
}
