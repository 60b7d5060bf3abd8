using System.Security.Cryptography;

namespace Holdfast.Keyspace;

/// <summary>A script that this node knows.</summary>
internal sealed class Script
{
    public required string Digest { get; init; }

    public required byte[] Source { get; init; }

    public required ScriptHead Head { get; init; }

    /// <summary>Whether SCRIPT LOAD brought it: then it stays until SCRIPT FLUSH.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>The compiled function in the present machine; 0 while there is none.</summary>
    public int Reference { get; set; }

    /// <summary>When it was last used, counted in uses.</summary>
    public long UsedAt { get; set; }
}

/// <summary>
/// The scripts of a node by the SHA-1 of their text. Those that EVAL brought are forgotten when there are <see cref="EvaluatedMax"/> (Redis 7.4 does the same), the longest unused first; those of SCRIPT LOAD stay,
/// up to <see cref="BytesMax"/>.
/// </summary>
internal sealed class ScriptCache
{
    public const int EvaluatedMax = 500;
    public const long BytesMax = 64L * 1024 * 1024;

    private readonly Dictionary<string, Script> scripts = new(StringComparer.Ordinal);
    private long uses;

    public int Count => scripts.Count;

    /// <summary>Bytes of all texts.</summary>
    public long Bytes { get; private set; }

    public IEnumerable<Script> All => scripts.Values;

    public static string DigestOf(ReadOnlySpan<byte> source) => Convert.ToHexStringLower(SHA1.HashData(source));

    public Script? Find(string digest)
    {
        if (!scripts.TryGetValue(digest, out var script)) return null;
        script.UsedAt = ++uses;
        return script;
    }

    public bool Knows(string digest) => scripts.ContainsKey(digest);

    /// <summary>Takes a script in; false when there is no room for it. What went for it is told.</summary>
    public bool TryAdd(Script script, Action<Script> onGone)
    {
        if (!script.IsLoaded && scripts.Values.Count(each => !each.IsLoaded) >= EvaluatedMax)
        {
            var oldest = scripts.Values.Where(each => !each.IsLoaded).MinBy(each => each.UsedAt)!;
            scripts.Remove(oldest.Digest);
            Bytes -= oldest.Source.Length;
            onGone(oldest);
        }

        if (Bytes + script.Source.Length > BytesMax) return false;
        Bytes += script.Source.Length;
        script.UsedAt = ++uses;
        scripts.Add(script.Digest, script);
        return true;
    }

    public void Clear()
    {
        scripts.Clear();
        Bytes = 0;
    }
}
