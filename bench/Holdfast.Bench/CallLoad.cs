using System.Diagnostics;
using Holdfast.Bench.Http2;

namespace Holdfast.Bench;

/// <summary>Closed-loop clients that share one connection and one thread: whatever answers one read brings are answered with their next calls in one write.</summary>
internal sealed class CallLoad(LoadPlan plan, string endpoint, int firstClient, int clients, LoadClock clock) : IFrameReader
{
    private readonly RawConnection connection = new(endpoint, plan.Authority);
    private readonly CallBlock block = new(CallMessages.PathOf(plan.Case), endpoint, plan.Authority is not null);
    private readonly byte[][] messages = [.. Enumerable.Range(firstClient, clients).Select(client => CallMessages.Of(plan, client))];
    private readonly int[] numbers = new int[clients];
    private readonly long[] begun = new long[clients];
    private readonly bool[] hasAnswer = new bool[clients];
    private readonly Dictionary<uint, int> clientOf = [];
    private readonly Queue<int> waiting = new();
    private uint nextStream = 1;

    /// <summary>Microseconds of each call that ended while it was counted.</summary>
    public List<int> Latencies { get; } = new(1 << 20);

    /// <summary>Calls that were answered without a message: with an error.</summary>
    public int Errors { get; private set; }

    /// <summary>On a thread of its own, until the clock says so.</summary>
    public void Run()
    {
        for (var client = 0; client < clients; client++) Call(client);
        connection.Flush();
        while (clientOf.Count > 0 && connection.Read(this))
        {
            while (waiting.TryPeek(out var client) && connection.HasWindowFor(BodyBytes(client))) Call(waiting.Dequeue());
            connection.Flush();
        }

        connection.Dispose();
    }

    public void OnData(uint stream, ReadOnlySpan<byte> data) => hasAnswer[clientOf[stream]] |= data.Length > 5;

    public void OnEnd(uint stream)
    {
        if (!clientOf.Remove(stream, out var client)) return;
        if (!hasAnswer[client]) Errors++;
        else if (clock.IsCounting) Latencies.Add((int)Stopwatch.GetElapsedTime(begun[client]).TotalMicroseconds);
        if (clock.IsOver) return;
        if (connection.HasWindowFor(BodyBytes(client))) Call(client);
        else waiting.Enqueue(client);
    }

    private int BodyBytes(int client) => messages[client].Length + 5;

    private void Call(int client)
    {
        var message = messages[client];
        CallMessages.Number(plan.Case, message, numbers[client]++ % 1000);
        hasAnswer[client] = false;
        begun[client] = Stopwatch.GetTimestamp();
        clientOf.Add(nextStream, client);
        connection.Commit(block.Write(connection.Reserve(message.Length + 256), nextStream, nextStream == 1, message), message.Length + 5);
        nextStream += 2;
    }
}
