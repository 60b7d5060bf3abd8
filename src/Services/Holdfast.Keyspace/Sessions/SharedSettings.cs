using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Where the settings that all nodes share are kept: the cluster's directory.</summary>
internal interface ISharedStore
{
    /// <summary>Sets settings one after the other (an empty value removes) and says on the loop's thread whether that is committed: null, or why not.</summary>
    void Set(IReadOnlyList<(string Key, string Value)> changes, Action<string?> done);
}

/// <summary>
/// What all nodes of the cluster share beside keys: libraries of functions, users. Kept in the directory; each node follows it, a moment late, so a command that changes something answers when it is committed and
/// known here. Without a store it is this node's alone (tests). For the loop's thread.
/// </summary>
internal sealed class SharedSettings
{
    private Dictionary<string, string> values = new(StringComparer.Ordinal);

    /// <summary>Whether a setting of the cluster is one of these.</summary>
    public static bool IsShared(string key) => key.StartsWith(FunctionCatalog.Prefix, StringComparison.Ordinal) || key.StartsWith(AclUsers.Prefix, StringComparison.Ordinal) || key.StartsWith(PrefixDurability.Prefix, StringComparison.Ordinal);

    /// <summary>Rises with every change.</summary>
    public long Revision { get; private set; }

    public IReadOnlyDictionary<string, string> Values => values;

    /// <summary>Hears of every change, after it.</summary>
    public Action? Changed { get; set; }

    /// <summary>Where they are kept; null for nowhere else.</summary>
    public ISharedStore? Store { get; set; }

    /// <summary>The directory has these now.</summary>
    public void Follow(IEnumerable<KeyValuePair<string, string>> current)
    {
        var next = current.ToDictionary(StringComparer.Ordinal);
        if (next.Count == values.Count && next.All(pair => values.TryGetValue(pair.Key, out var value) && value == pair.Value)) return;
        values = next;
        Revision++;
        Changed?.Invoke();
    }

    /// <summary>Changes settings for the client of a call, whose reply is written when it is done: the client's next commands wait.</summary>
    public void Change(CommandCall call, IReadOnlyList<(string Key, string Value)> changes, Action<RespWriter> reply)
    {
        if (changes.Count == 0 || Store is null)
        {
            Take(changes);
            reply(call.Reply);
            return;
        }

        var client = call.Client!;
        if (client.Transaction.IsOpen)
        {
            call.Reply.Error("ERR Command not allowed inside a transaction"u8);
            return;
        }

        client.StepAside();
        Store.Set(changes, fault =>
        {
            if (fault is null) Take(changes);
            client.ComeBack(writer =>
            {
                if (fault is null) reply(writer);
                else writer.Error("ERR the cluster's directory did not take it: " + fault);
            });
        });
    }

    private void Take(IReadOnlyList<(string Key, string Value)> changes)
    {
        foreach (var (key, value) in changes)
        {
            if (value.Length == 0) values.Remove(key);
            else values[key] = value;
        }

        if (changes.Count == 0) return;
        Revision++;
        Changed?.Invoke();
    }
}
