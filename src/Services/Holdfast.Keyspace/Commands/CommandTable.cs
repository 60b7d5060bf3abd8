using System.Globalization;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>A family of commands: binds its handlers to their names. One small class per family.</summary>
internal interface ICommandFamily
{
    /// <summary>Binds the family's handlers.</summary>
    void Bind(CommandTable table);
}

/// <summary>Every command there is: what is known of it, and who executes it. Metadata, key positions, ACL categories, documentation and the list of what is served come from here.</summary>
internal sealed class CommandTable
{
    private readonly Dictionary<byte[], CommandSpec> commands = new(ByteKey.Comparer);
    private readonly List<CommandSpec> specs = [];
    private readonly Dictionary<byte[], CommandSpec>.AlternateLookup<ReadOnlySpan<byte>> bySpan;
    private readonly ShortNames shortNames = new();

    /// <summary>The table with all families of this room.</summary>
    public static CommandTable Build() => new(CommandFamilies.All);

    public CommandTable(IEnumerable<ICommandFamily> families)
    {
        bySpan = commands.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (var rows in (string[])[DataCommandFacts.Rows, ServerCommandFacts.Rows, NewerCommandFacts.Rows])
            foreach (var row in rows.Split('\n')) AddFacts(row.Trim());
        foreach (var family in families) family.Bind(this);
        foreach (var (name, spec) in All)
        {
            shortNames.Add(System.Text.Encoding.ASCII.GetBytes(name), spec);
            if (name.ToUpperInvariant() is var capital && capital != name) shortNames.Add(System.Text.Encoding.ASCII.GetBytes(capital), spec);
        }
    }

    /// <summary>The commands by name; subcommands stand within theirs.</summary>
    public SortedDictionary<string, CommandSpec> All { get; } = new(StringComparer.Ordinal);

    /// <summary>All commands and subcommands that clients may know, in order of their numbers.</summary>
    public IReadOnlyList<CommandSpec> Specs => specs;

    public int SpecCount => specs.Count;

    /// <summary>The command of a name, in any case; null when there is none.</summary>
    public CommandSpec? Find(ReadOnlySpan<byte> name)
    {
        if (shortNames.Find(name) is { } known) return known;
        Span<byte> lower = stackalloc byte[32];
        if (name.Length > lower.Length) return null;
        for (var i = 0; i < name.Length; i++) lower[i] = name[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(name[i] | 0x20) : name[i];
        return bySpan.TryGetValue(lower[..name.Length], out var found) ? found : null;
    }

    /// <summary>Binds a handler to a command, or to a subcommand ("client|list"), whose facts are known.</summary>
    /// <param name="name">Lower case.</param>
    /// <param name="handler">Who executes it.</param>
    /// <param name="summary">What it does, in a short sentence without a full stop.</param>
    /// <param name="place">Where it is executed; by default on the shard when it has keys, else on the node.</param>
    public CommandSpec Bind(string name, CommandHandler handler, string summary, CommandPlace? place = null)
    {
        var spec = Get(name);
        Primitives.Invariant.Holds(!spec.IsHandled, "two handlers are bound to one command");
        spec.Handler = handler;
        spec.Summary = summary;
        spec.TouchesNothing = name is "type" or "ttl" or "pttl" or "expiretime" or "pexpiretime" or "memory|usage" || name.StartsWith("object|", StringComparison.Ordinal);
        spec.ReadsToo = name is "getex" or "getdel" or "getset" or "sort";
        spec.Place = place ?? (spec.Keys.Length > 0 ? CommandPlace.Shard : CommandPlace.Node);
        return spec;
    }

    /// <summary>Adds a command that stands in effects only.</summary>
    public void AddInternal(string name, CommandHandler handler) => Add(new CommandSpec
    {
        Name = name, Arity = -1, Flags = CommandFlags.Write, Range = default, Categories = [], Group = "internal", Since = "", Hints = [], Keys = [], Handler = handler, IsInternal = true,
    });

    private CommandSpec Get(string name)
    {
        var bar = name.IndexOf('|', StringComparison.Ordinal);
        return bar < 0 ? All[name] : All[name[..bar]].Subcommands![name[(bar + 1)..]];
    }

    private void AddFacts(string row)
    {
        if (row.Length == 0) return;
        var fields = row.Split(';');
        var range = fields[3].Split(' ');
        Add(new CommandSpec
        {
            Name = fields[0],
            Arity = int.Parse(fields[1], CultureInfo.InvariantCulture),
            Flags = CommandFlagNames.Parse(fields[2]),
            Range = (int.Parse(range[0], CultureInfo.InvariantCulture), int.Parse(range[1], CultureInfo.InvariantCulture), int.Parse(range[2], CultureInfo.InvariantCulture)),
            Categories = fields[4].Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Group = fields[5],
            Since = fields[6],
            Hints = fields[7].Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Keys = KeySpec.ParseAll(fields[8]),
        });
    }

    private void Add(CommandSpec spec)
    {
        if (!spec.IsInternal)
        {
            spec.Id = specs.Count;
            specs.Add(spec);
        }

        var bar = spec.Name.IndexOf('|', StringComparison.Ordinal);
        if (bar >= 0)
        {
            var owner = All[spec.Name[..bar]];
            (owner.Subcommands ??= new SortedDictionary<string, CommandSpec>(StringComparer.Ordinal)).Add(spec.Name[(bar + 1)..], spec);
            return;
        }

        All.Add(spec.Name, spec);
        commands.Add(System.Text.Encoding.ASCII.GetBytes(spec.Name), spec);
    }
}
