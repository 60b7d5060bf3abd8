using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace Holdfast.Rag.Embedding;

/// <summary>Tensors of a file in the safetensors format: eight bytes of length, a JSON header that names each tensor's type, shape and place, then their bytes.</summary>
internal sealed class SafeTensors
{
    private const long HeaderBytesMax = 16 * 1024 * 1024;

    private readonly byte[] bytes;
    private readonly int dataAt;
    private readonly Dictionary<string, (string Type, int[] Shape, long Begin, long End)> tensors = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">The file is not of this format, or not whole.</exception>
    public SafeTensors(string path)
    {
        bytes = File.ReadAllBytes(path);
        Hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        var header = bytes.Length >= 8 ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : -1;
        if (header is < 2 or > HeaderBytesMax || header > bytes.Length - 8) throw new ArgumentException($"{path} is no safetensors file: its header's length makes no sense");
        dataAt = 8 + (int)header;
        try
        {
            using var names = JsonDocument.Parse(bytes.AsMemory(8, (int)header));
            foreach (var tensor in names.RootElement.EnumerateObject().Where(static each => each.Name != "__metadata__"))
            {
                var offsets = tensor.Value.GetProperty("data_offsets");
                tensors.Add(tensor.Name, (tensor.Value.GetProperty("dtype").GetString()!, [.. tensor.Value.GetProperty("shape").EnumerateArray().Select(static each => each.GetInt32())], offsets[0].GetInt64(), offsets[1].GetInt64()));
            }
        }
        catch (Exception malformed) when (malformed is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            throw new ArgumentException($"{path} is no safetensors file: {malformed.Message}", malformed);
        }
    }

    /// <summary>SHA-256 of the file.</summary>
    public string Hash { get; }

    /// <summary>A tensor as floats, and its shape; null where there is none of the name.</summary>
    /// <exception cref="ArgumentException">Its type is none of those that can be read, or the file ends before it does.</exception>
    public (float[] Values, int[] Shape)? Find(string name)
    {
        if (!tensors.TryGetValue(name, out var found)) return null;
        var count = found.Shape.Aggregate(1L, static (product, side) => checked(product * side));
        var width = found.Type switch { "F32" or "I32" => 4, "F16" or "BF16" => 2, "F64" or "I64" => 8, "I8" => 1, var other => throw new ArgumentException($"tensor {name} has type {other}; F32, F16, BF16, F64, I64, I32 and I8 can be read") };
        if (found.Begin < 0 || found.End - found.Begin != count * width || dataAt + found.End > bytes.Length || count > Array.MaxLength) throw new ArgumentException($"tensor {name} is not whole");
        var raw = bytes.AsSpan((int)(dataAt + found.Begin), (int)(count * width));
        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = found.Type switch
            {
                "F32" => BinaryPrimitives.ReadSingleLittleEndian(raw[(i * 4)..]),
                "F16" => (float)BinaryPrimitives.ReadHalfLittleEndian(raw[(i * 2)..]),
                "BF16" => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(raw[(i * 2)..]) << 16),
                "I64" => BinaryPrimitives.ReadInt64LittleEndian(raw[(i * 8)..]),
                "I32" => BinaryPrimitives.ReadInt32LittleEndian(raw[(i * 4)..]),
                "I8" => (sbyte)raw[i],
                _ => (float)BinaryPrimitives.ReadDoubleLittleEndian(raw[(i * 8)..]),
            };
        }

        return (values, found.Shape);
    }
}
