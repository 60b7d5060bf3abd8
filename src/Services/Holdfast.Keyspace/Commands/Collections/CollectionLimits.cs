using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Up to what size a collection is one run of bytes: the <c>*-max-listpack-*</c> settings, as numbers.</summary>
internal sealed class CollectionLimits
{
    private const long Most = 1 << 30;

    public int HashEntries { get; private set; } = 512;

    public int HashValue { get; private set; } = 64;

    public int SetIntegers { get; private set; } = 512;

    public int SetEntries { get; private set; } = 128;

    public int SetValue { get; private set; } = 64;

    public int SortedSetEntries { get; private set; } = 128;

    public int SortedSetValue { get; private set; } = 64;

    /// <summary>Takes over a setting, when it is one of these.</summary>
    public void Take(string name, string value)
    {
        if (!RespNumber.TryParse(System.Text.Encoding.UTF8.GetBytes(value), out long number)) return;
        var limit = (int)Math.Clamp(number, 0, Most);
        switch (name)
        {
            case "hash-max-listpack-entries": HashEntries = limit; break;
            case "hash-max-listpack-value": HashValue = limit; break;
            case "set-max-intset-entries": SetIntegers = limit; break;
            case "set-max-listpack-entries": SetEntries = limit; break;
            case "set-max-listpack-value": SetValue = limit; break;
            case "zset-max-listpack-entries": SortedSetEntries = limit; break;
            case "zset-max-listpack-value": SortedSetValue = limit; break;
            default: break;
        }
    }
}
