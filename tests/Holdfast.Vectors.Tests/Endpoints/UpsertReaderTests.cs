using System.Text;
using Google.Protobuf;
using Holdfast.Primitives;
using Holdfast.Vectors.Endpoints.Grpc;
using Holdfast.Vectors.Points;
using Proto = Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>Upserts over gRPC by the shortest way: what comes out is what the generated code reads, of every shape, and of messages that are cut short or spoilt.</summary>
public sealed class UpsertReaderTests
{
    private const ulong Seeds = 300;

    [Fact]
    public void Points_of_every_shape_are_what_the_generated_code_reads()
    {
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            var message = Message(new SeededRandom(seed)).ToByteArray();
            var (request, points) = UpsertReader.TryRead(message)!.Value;
            var whole = Proto.UpsertPoints.Parser.ParseFrom(message);
            Assert.Equal(Told(ProtoPoints.Read(whole.Points)), Told(points));
            whole.Points.Clear();
            Assert.Equal(whole, request);
        }
    }

    [Fact]
    public void What_is_cut_short_or_spoilt_is_read_as_the_generated_code_reads_it_or_refused_by_it()
    {
        var refused = 0;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            var dice = new SeededRandom(seed);
            var message = Message(dice).ToByteArray();
            if (dice.Chance(0.5)) message = message[..dice.Next(message.Length)];
            else if (message.Length > 0) message[dice.Next(message.Length)] ^= (byte)(1 << dice.Next(8));
            var (expected, got) = (Outcome(() => (Proto.UpsertPoints.Parser.ParseFrom(message), null)), Outcome(() => UpsertReader.TryRead(message) is { } read ? read : (Proto.UpsertPoints.Parser.ParseFrom(message), null)));
            Assert.Equal(expected, got);
            if (expected == "refused") refused++;
        }

        Assert.InRange(refused, 10, (int)Seeds - 10);
    }

    [Fact]
    public void Clients_of_two_minors_ago_are_read_too_and_a_field_that_nobody_knows_is_passed_over()
    {
        var point = new Proto.PointStruct { Id = new Proto.PointId { Num = 7 }, Vectors = new Proto.Vectors { Vector = Old(1, 2, 3) } };
        byte[] message = [.. new Proto.UpsertPoints { CollectionName = "c", Points = { point } }.ToByteArray(), 0xf8, 0x07, 0x05];
        var (request, points) = UpsertReader.TryRead(message)!.Value;
        Assert.Equal(("c", 0), (request.CollectionName, request.Points.Count));
        Assert.Equal([1, 2, 3], points.Single().Vectors.Single().Values);
        Assert.Null(UpsertReader.TryRead([.. message, 0x0b])); // A group.
    }

    private static string Outcome(Func<(Proto.UpsertPoints Request, List<PointWrite>? Points)> read)
    {
        try
        {
            var (request, points) = read();
            var told = Told(points ?? ProtoPoints.Read(request.Points));
            request.Points.Clear();
            return $"{request} {told}";
        }
        catch (Exception refused) when (refused is InvalidProtocolBufferException or VectorFault)
        {
            return "refused";
        }
    }

    private static string Told(List<PointWrite> points)
    {
        var text = new StringBuilder();
        foreach (var point in points)
        {
            text.Append(point.Id).Append(' ').Append(Encoding.UTF8.GetString(point.Payload.Json));
            foreach (var vector in point.Vectors) text.Append(' ').Append(vector.Name).Append(':').AppendJoin(',', vector.Values.Select(BitConverter.SingleToUInt32Bits)).Append('/').AppendJoin(',', vector.Indices ?? []);
            text.Append('\n');
        }

        return text.ToString();
    }

    private static Proto.UpsertPoints Message(SeededRandom dice)
    {
        var message = new Proto.UpsertPoints { CollectionName = $"c{dice.Next(9)}" };
        if (dice.Chance(0.5)) message.Wait = true;
        if (dice.Chance(0.2)) message.Timeout = (ulong)dice.Next(9);
        if (dice.Chance(0.2)) message.ShardKeySelector = new Proto.ShardKeySelector { ShardKeys = { new Proto.ShardKey { Keyword = "k" } } };
        for (var left = dice.Next(6); left > 0; left--)
        {
            var point = new Proto.PointStruct { Id = dice.Chance(0.5) ? new Proto.PointId { Num = (ulong)dice.Next(1000) } : new Proto.PointId { Uuid = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26" } };
            if (dice.Chance(0.5)) point.Payload["n"] = new Proto.Value { IntegerValue = dice.Next(1000) };
            if (dice.Chance(0.3)) point.Payload["t"] = new Proto.Value { StringValue = "ä" };
            if (dice.Chance(0.9)) point.Vectors = Vectors(dice);
            message.Points.Add(point);
        }

        return message;
    }

    private static Proto.Vectors Vectors(SeededRandom dice) => dice.Next(6) switch
    {
        0 => new Proto.Vectors { Vector = Old(0.5f, dice.Next(5)) },
        1 => new Proto.Vectors { Vectors_ = new Proto.NamedVectors { Vectors = { ["a"] = Dense(1, 2), ["b"] = Old(3) } } },
        2 => new Proto.Vectors { Vector = new Proto.Vector { Sparse = new Proto.SparseVector { Indices = { 3, 5 }, Values = { 1, 2 } } } },
        3 => new Proto.Vectors { Vector = Dense() },
        _ => new Proto.Vectors { Vector = Dense([.. Enumerable.Range(0, 1 + dice.Next(70)).Select(_ => (float)dice.NextDouble())]) },
    };

    private static Proto.Vector Dense(params float[] numbers) => new() { Dense = new Proto.DenseVector { Data = { numbers } } };

#pragma warning disable CS0612 // As it was sent two minors ago.
    private static Proto.Vector Old(params float[] numbers) => new() { Data = { numbers } };
#pragma warning restore CS0612
}
