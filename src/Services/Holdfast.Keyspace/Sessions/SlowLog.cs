using System.Globalization;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>A command that took long.</summary>
internal sealed record SlowEntry(long Id, long Seconds, long Micros, IReadOnlyList<byte[]> Arguments, string Address, string Name);

/// <summary>The commands that took longest lately, newest first, as many as slowlog-max-len says.</summary>
internal sealed class SlowLog
{
    /// <summary>Entries at most, whatever the setting says.</summary>
    public const int EntriesMax = 10_000;

    private const int ArgumentsMax = 32;
    private const int ArgumentBytesMax = 128;

    private readonly LinkedList<SlowEntry> entries = new();
    private long ids;

    public IEnumerable<SlowEntry> Entries => entries;

    public int Count => entries.Count;

    public void Clear() => entries.Clear();

    /// <summary>No more entries than that are kept.</summary>
    public void Keep(long most)
    {
        while (entries.Count > most) entries.RemoveLast();
    }

    /// <summary>A command of a client has taken so long.</summary>
    public void Add(KeyspaceNode node, ClientSession client, CommandSpec spec, RespArguments request, long micros)
    {
        var arguments = new List<byte[]>();
        for (var i = 0; i < request.Count && arguments.Count < ArgumentsMax; i++)
        {
            if (arguments.Count == ArgumentsMax - 1 && request.Count > ArgumentsMax)
            {
                arguments.Add(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"... ({request.Count - ArgumentsMax + 1} more arguments)")));
                break;
            }

            var word = Redaction.Hides(spec, request, i) ? Redaction.Shown : request[i];
            arguments.Add(word.Length <= ArgumentBytesMax ? word.ToArray() : [.. word[..ArgumentBytesMax], .. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"... ({word.Length - ArgumentBytesMax} more bytes)"))]);
        }

        entries.AddFirst(new SlowEntry(ids++, node.WallMicros / 1_000_000, micros, arguments, client.Traits.Address, client.Traits.Name));
        Keep(node.Settings.SlowEntriesMax);
    }
}
