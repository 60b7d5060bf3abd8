using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Holdfast.Bench.Http2;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Bench;

/// <summary>Puts a number of keys, each once, as fast as the servers take them: <c>fill/00000000</c> and so on. Each is a put of its own, as clients write them.</summary>
internal sealed class FillLoad : IFrameReader
{
    private const int ClientsPerConnection = 64;
    private const int DigitsAt = 7; // Tag and length of the key, then "fill/".
    private const int Digits = 8;

    private readonly RawConnection connection;
    private readonly CallBlock block;
    private readonly byte[] message;
    private readonly Numbers numbers;
    private readonly HashSet<uint> underWay = [];
    private bool hasAnswer;
    private uint nextStream = 1;

    private FillLoad(string endpoint, LoadPlan plan, Numbers numbers)
    {
        connection = new RawConnection(endpoint, plan.Authority);
        block = new CallBlock(CallMessages.PathOf("put"), endpoint, plan.Authority is not null);
        message = new PutRequest { Key = ByteString.CopyFromUtf8("fill/" + new string('0', Digits)), Value = ByteString.CopyFrom(new byte[plan.ValueBytes]) }.ToByteArray();
        this.numbers = numbers;
    }

    public static int Run(LoadPlan plan)
    {
        var numbers = new Numbers(plan.Keys);
        var loads = Enumerable.Range(0, Math.Max(1, plan.Clients / ClientsPerConnection)).Select(at => new FillLoad(plan.Endpoints[at % plan.Endpoints.Length], plan, numbers)).ToList();
        var began = Stopwatch.GetTimestamp();
        var threads = loads.ConvertAll(each => new Thread(each.Put));
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fill keys={numbers.Answered} of={plan.Keys} size={plan.ValueBytes} seconds={seconds:F1}"));
        return numbers.Answered == plan.Keys ? 0 : 1;
    }

    public void OnData(uint stream, ReadOnlySpan<byte> data) => hasAnswer |= data.Length > 5;

    public void OnEnd(uint stream)
    {
        if (!underWay.Remove(stream)) return;
        if (hasAnswer) numbers.Answer();
        hasAnswer = false;
    }

    private void Put()
    {
        do
        {
            while (underWay.Count < ClientsPerConnection && connection.HasWindowFor(message.Length + 5) && numbers.Take() is { } number) Call(number);
            connection.Flush();
        }
        while (underWay.Count > 0 && connection.Read(this));
        connection.Dispose();
    }

    private void Call(int number)
    {
        Utf8Formatter.TryFormat(number, message.AsSpan(DigitsAt, Digits), out _, new System.Buffers.StandardFormat('D', Digits));
        underWay.Add(nextStream);
        connection.Commit(block.Write(connection.Reserve(message.Length + 256), nextStream, nextStream == 1, message), message.Length + 5);
        nextStream += 2;
    }

    /// <summary>Which numbers are still to be put, shared by all connections.</summary>
    private sealed class Numbers(int count)
    {
        private int taken = -1;
        private int answered;

        public int Answered => Volatile.Read(ref answered);

        public int? Take() => Interlocked.Increment(ref taken) is var number && number < count ? number : null;

        public void Answer() => Interlocked.Increment(ref answered);
    }
}
