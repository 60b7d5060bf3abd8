using System.Text;

namespace Holdfast.Keyspace;

/// <summary>A library as this node has loaded it.</summary>
internal sealed record FunctionLibrary(string Name, byte[] Code, IReadOnlyDictionary<string, LibraryFunction> Functions);

/// <summary>
/// The libraries of functions. They belong to the cluster and not to a shard: their texts stand in the directory (<see cref="SharedSettings"/>), every node compiles them when it first needs them, and FUNCTION LOAD on one
/// node loads them on all. Only the effects of what a function does are in a shard's log.
/// </summary>
internal sealed class FunctionCatalog(KeyspaceNode node)
{
    /// <summary>What the names of the shared settings begin with.</summary>
    public const string Prefix = "redis.function.";

    /// <summary>Bytes of a library's text, as the directory bounds a setting.</summary>
    public const int CodeMax = 48 * 1024;

    private readonly SortedDictionary<string, FunctionLibrary> libraries = new(StringComparer.Ordinal);
    private long revision = -1;
    private int generation;

    /// <summary>The libraries by name.</summary>
    public IReadOnlyDictionary<string, FunctionLibrary> Libraries
    {
        get
        {
            Follow();
            return libraries;
        }
    }

    public LibraryFunction? Find(string name)
    {
        Follow();
        foreach (var library in libraries.Values)
            if (library.Functions.TryGetValue(name, out var function)) return function;
        return null;
    }

    /// <summary>Compiles a text and runs it, so that it registers its functions; null with the words of Redis when it cannot be a library.</summary>
    public FunctionLibrary? Make(ReadOnlySpan<byte> code, bool replaces, out string fault) => Make(code, Libraries, replaces, out fault);

    /// <summary>Makes the libraries of a payload, which must agree with each other, and then with those that are there, whose place they take if they may; false with the words of Redis.</summary>
    public bool TryMakeAll(List<byte[]> codes, bool isFlush, bool replaces, out List<FunctionLibrary> made, out string fault)
    {
        (made, fault) = ([], "");
        var within = new SortedDictionary<string, FunctionLibrary>(StringComparer.Ordinal);
        foreach (var code in codes)
        {
            if (Make(code, within, replaces: false, out fault) is not { } library) return false;
            within[library.Name] = library;
            made.Add(library);
        }

        if (isFlush) return true;
        var there = Libraries;
        if (!replaces && made.Find(library => there.ContainsKey(library.Name)) is { } known) fault = $"ERR Library {known.Name} already exists";
        else fault = made.Select(library => Clash(library, there.Values.Where(other => !within.ContainsKey(other.Name)))).FirstOrDefault(static clash => clash.Length > 0) ?? "";
        return fault.Length == 0;
    }

    private FunctionLibrary? Make(ReadOnlySpan<byte> code, IReadOnlyDictionary<string, FunctionLibrary> beside, bool replaces, out string fault)
    {
        if (!LibraryLoad.TryReadHead(code, out var name, out var start, out fault)) return null;
        if (!replaces && beside.ContainsKey(name)) fault = $"ERR Library '{name}' already exists";
        else if (code.Length > CodeMax) fault = $"ERR the library is longer than {CodeMax} bytes, which the cluster's directory does not take";
        if (fault.Length > 0 || Load(name, code, start, out fault) is not { } made) return null;

        // It is loaded anew, here as on every node, when the directory has it.
        foreach (var function in made.Functions.Values) node.Scripts.Forget(function.Reference);
        fault = Clash(made, beside.Values.Where(other => other.Name != name));
        return fault.Length == 0 ? made : null;
    }

    /// <summary>What is wrong when a library's functions are another's too; empty for nothing.</summary>
    private static string Clash(FunctionLibrary library, IEnumerable<FunctionLibrary> others) =>
        others.SelectMany(static other => other.Functions.Keys).FirstOrDefault(library.Functions.ContainsKey) is { } twice ? $"ERR Function {twice} already exists" : "";

    private FunctionLibrary? Load(string name, ReadOnlySpan<byte> code, int start, out string fault)
    {
        var load = new LibraryLoad(name, node.ReadClock());
        if (!node.Scripts.TryLoad(load, code[start..], out fault)) return null;
        if (load.Functions.Count > 0) return new FunctionLibrary(name, code.ToArray(), load.Functions);
        fault = "ERR No functions registered";
        return null;
    }

    /// <summary>Loads what the cluster has and this node has not, or not in the present machine.</summary>
    private void Follow()
    {
        if (revision == node.Shared.Revision && generation == node.Scripts.Generation) return;
        if (generation != node.Scripts.Generation) libraries.Clear();
        var wanted = node.Shared.Values.Where(pair => pair.Key.StartsWith(Prefix, StringComparison.Ordinal)).ToDictionary(pair => pair.Key[Prefix.Length..], pair => Encoding.Latin1.GetBytes(pair.Value));
        foreach (var gone in libraries.Values.Where(library => !wanted.TryGetValue(library.Name, out var code) || !code.AsSpan().SequenceEqual(library.Code)).ToArray())
        {
            libraries.Remove(gone.Name);
            foreach (var function in gone.Functions.Values) node.Scripts.Forget(function.Reference);
        }

        foreach (var (name, code) in wanted)
        {
            if (libraries.ContainsKey(name) || !LibraryLoad.TryReadHead(code, out _, out var start, out _)) continue;
            if (Load(name, code, start, out var fault) is { } library) libraries[name] = library;
            else node.Say?.Invoke(true, $"the library {name} cannot be loaded here: {fault}");
        }

        (revision, generation) = (node.Shared.Revision, node.Scripts.Generation);
    }
}
