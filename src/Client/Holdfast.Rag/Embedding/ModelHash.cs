using System.Security.Cryptography;

namespace Holdfast.Rag.Embedding;

/// <summary>What tells two models apart whose folders have the same name.</summary>
internal static class ModelHash
{
    /// <summary>Hexadecimal digits that are shown in a model's name.</summary>
    public const int ShownMax = 12;

    /// <summary>Of a file that may be too large to be held.</summary>
    public static string OfFile(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file))[..ShownMax];
    }
}
