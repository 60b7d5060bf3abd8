using System.Runtime.InteropServices;
using System.Text;

namespace Holdfast.Rag.Onnx.Tests;

/// <summary>Small ONNX models, written byte by byte in the format's protocol buffers (onnx.proto: ModelProto, GraphProto, NodeProto, TensorProto, ValueInfoProto).</summary>
internal static class OnnxBytes
{
    private const int Float = 1;
    private const int Int64 = 7;

    /// <summary>An embedder that gives each piece its row of a table: <c>last_hidden_state = table[input_ids]</c>.</summary>
    public static byte[] Table(float[] table, int side) => Model(
        [Node("Gather", ["table", "input_ids"], "last_hidden_state")],
        [Tensor("table", Float, [table.Length / side, side], MemoryMarshal.AsBytes(table.AsSpan()))],
        ["input_ids", "attention_mask"],
        "last_hidden_state",
        [-1, -1, side]);

    /// <summary>As <see cref="Table"/>, with an input that no model of the family has.</summary>
    public static byte[] TableWithStrangeInput(float[] table, int side) => Model(
        [Node("Gather", ["table", "input_ids"], "last_hidden_state")],
        [Tensor("table", Float, [table.Length / side, side], MemoryMarshal.AsBytes(table.AsSpan()))],
        ["input_ids", "past_key"],
        "last_hidden_state",
        [-1, -1, side]);

    /// <summary>A cross-encoder that adds up the weights of the second text's pieces: <c>logits = Σ weights[input_ids] · token_type_ids · attention_mask</c>.</summary>
    public static byte[] SumOfSecond(float[] weights) => Model(
        [
            Node("Gather", ["weights", "input_ids"], "each"),
            Node("Cast", ["token_type_ids"], "second", Attribute("to", Float)),
            Node("Cast", ["attention_mask"], "there", Attribute("to", Float)),
            Node("Mul", ["each", "second"], "seconds"),
            Node("Mul", ["seconds", "there"], "counted"),
            Node("ReduceSum", ["counted", "axes"], "logits", Attribute("keepdims", 1)),
        ],
        [Tensor("weights", Float, [weights.Length], MemoryMarshal.AsBytes(weights.AsSpan())), Tensor("axes", Int64, [1], MemoryMarshal.AsBytes<long>([1]))],
        ["input_ids", "attention_mask", "token_type_ids"],
        "logits",
        [-1, 1]);

    private static byte[] Model(byte[][] nodes, byte[][] tensors, string[] inputs, string output, int[] shape)
    {
        var graph = Message(
            [.. nodes.Select(node => Bytes(1, node)), Text(2, "tiny"), .. tensors.Select(tensor => Bytes(5, tensor)), .. inputs.Select(input => Bytes(11, Value(input, Int64, [-1, -1]))), Bytes(12, Value(output, Float, shape))]);
        return Message([Number(1, 8), Bytes(7, graph), Bytes(8, Message([Text(1, ""), Number(2, 13)]))]);
    }

    private static byte[] Node(string kind, string[] inputs, string output, params byte[][] attributes) =>
        Message([.. inputs.Select(input => Text(1, input)), Text(2, output), Text(4, kind), .. attributes.Select(attribute => Bytes(5, attribute))]);

    private static byte[] Attribute(string name, long value) => Message([Text(1, name), Number(3, value), Number(20, 2)]);

    private static byte[] Tensor(string name, int type, long[] sides, ReadOnlySpan<byte> raw) => Message([.. sides.Select(side => Number(1, side)), Number(2, type), Text(8, name), Bytes(9, raw)]);

    /// <summary>A value with its sides; -1 for one of any length.</summary>
    private static byte[] Value(string name, int type, int[] shape)
    {
        var sides = Message([.. shape.Select((side, at) => Bytes(1, side < 0 ? Text(2, $"side{at}") : Number(1, side)))]);
        return Message([Text(1, name), Bytes(2, Bytes(1, Message([Number(1, type), Bytes(2, sides)])))]);
    }

    private static byte[] Message(byte[][] fields) => [.. fields.SelectMany(static field => field)];

    private static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Bytes(int field, ReadOnlySpan<byte> bytes) => [.. Varint((field << 3) | 2), .. Varint(bytes.Length), .. bytes];

    private static byte[] Number(int field, long number) => [.. Varint(field << 3), .. Varint(number)];

    private static byte[] Varint(long number)
    {
        var bytes = new List<byte>();
        for (var rest = (ulong)number; ; rest >>= 7)
        {
            if (rest < 0x80)
            {
                bytes.Add((byte)rest);
                return [.. bytes];
            }

            bytes.Add((byte)(rest | 0x80));
        }
    }
}
