namespace Holdfast.Keyspace.Tests;

/// <summary>
/// What Debian's redis-server 7.0.15 replies, we reply, byte for byte, types and errors included; and whatever a command does, its effects do on a replica (S15). A family adds its files under Cases/ and is tested.
/// </summary>
public sealed partial class DifferentialTests(DifferentialTests.Oracle oracle) : IClassFixture<DifferentialTests.Oracle>
{
    private const int CommandsOfSequence = 1500;
    private const int Batch = 100;

    /// <summary>After so many differences no more are looked for.</summary>
    private const int DifferencesMax = 15;

    /// <summary>Replies that say what time it is: compared with some patience.</summary>
    private static readonly string[] TellTime = ["ttl", "pttl", "expiretime", "pexpiretime"];

    /// <summary>Replies whose order Redis does not promise, and makes by a random seed: compared in order of their text. Of hashes those only that are large, which is what a key with "big" in its name is.</summary>
    private static readonly string[] Unordered = ["smembers", "sunion", "sinter", "sdiff", "sscan", "spop"];

    private static readonly string[] UnorderedWhenBig = ["hgetall", "hkeys", "hvals", "hscan", "zscan"];

    /// <summary>Replies that are drawn by lot: compared in their form.</summary>
    private static readonly string[] Drawn = ["srandmember", "hrandfield", "zrandmember"];

    /// <summary>Replies that tell of the process: one field a line, a name before it. Whatever Redis tells is told here.</summary>
    private static readonly string[] TellFields = ["info", "client info", "memory stats", "cluster info"];

    /// <summary>Replies that tell of the process, otherwise: numbers may differ, and texts.</summary>
    private static readonly string[] TellProcess = ["client id", "time", "lastsave", "lolwut", "memory malloc-stats", "memory doctor", "bgrewriteaof", "command", "command count", "cluster myid", "cluster bumpepoch", "cluster nodes", "cluster slots", "cluster shards", "cluster links"];

    public static TheoryData<string, int> Families => [.. from family in CaseFile.Families from protocol in (int[])[2, 3] select (family, protocol)];

    [Theory]
    [MemberData(nameof(Families))]
    public void Fixed_cases_are_answered_as_Redis_answers(string family, int protocol) => Compare(CaseFile.Fixed(family), protocol, $"{family}.txt");

    [Theory]
    [MemberData(nameof(Families))]
    public void Random_sequences_are_answered_as_Redis_answers(string family, int protocol)
    {
        for (var seed = 1UL; seed <= 3; seed++) Compare(CaseFile.Random(family, CommandsOfSequence, seed + ((ulong)protocol << 32)), protocol, $"{family}.random.txt, seed {seed}");
    }

    private void Compare(List<string[]> commands, int protocol, string what)
    {
        var shards = new LocalShards(new KeyspaceOptions { DebugCommand = "yes" });
        var ours = shards.Connect();
        using var theirs = oracle.Connect();
        string[][] greeting = [["FLUSHALL"], ["HELLO", $"{protocol}"]];
        theirs.UntilNothingIsSaved();
        theirs.AskAll(greeting);
        var differences = new List<string>();
        foreach (var words in greeting) ours.Ask(words);
        for (var from = 0; from < commands.Count; from += Batch)
        {
            var batch = commands.GetRange(from, Math.Min(Batch, commands.Count - from));
            shards.Clock = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;
            var expected = theirs.AskAll(batch);
            for (var i = 0; i < batch.Count; i++)
            {
                var actual = ours.Ask(batch[i]);
                if (actual == "(nothing)")
                {
                    // It waits: its time runs out.
                    shards.Pass(TimeSpan.FromMilliseconds(5));
                    actual = ours.Take();
                }

                if (AreSame(batch[i], expected[i], actual)) continue;
                differences.Add($"{what}, command {from + i + 1}: {Show(batch[i])}\n  Redis:    {expected[i]}\n  Holdfast: {actual}{(differences.Count == 0 ? "\n  before it:\n" + Before(commands, from + i) : "")}");
                if (differences.Count == DifferencesMax) Assert.Fail(string.Join('\n', differences));
            }
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));

        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    private static bool AreSame(string[] words, string expected, string actual)
    {
        if (expected == actual) return true;
        var name = words[0].ToLowerInvariant();
        if (Unordered.Contains(name) || (UnorderedWhenBig.Contains(name) && words.Length > 1 && words[1].Contains("big", StringComparison.Ordinal))) return Sorted(expected) == Sorted(actual);
        if (Drawn.Contains(name)) return Form(expected) == Form(actual);
        var both = words.Length > 1 ? $"{name} {words[1].ToLowerInvariant()}" : name;
        if (TellFields.Contains(name) || TellFields.Contains(both)) return FieldsOf(expected).IsSubsetOf(FieldsOf(actual));
        if (name == "bgsave" && expected.Contains("child process", StringComparison.Ordinal)) return actual == "+Background saving started";
        if (TellProcess.Contains(name) || TellProcess.Contains(both)) return expected[0] == actual[0];
        // What later ones have is explained here, too.
        if (both == "cluster help" && expected[0] == '*') return expected.Split(" +")[1..].ToHashSet().IsSubsetOf(actual.Split(" +"));
        // Redis 7.0 has no listpack for sets, 7.2 has.
        if (name == "object" && expected == "$9 hashtable" && actual == "$8 listpack" && words[2].Contains('s', StringComparison.Ordinal)) return true;
        if (words[0] == "HELLO") return ClientNumber().Replace(expected, "") == ClientNumber().Replace(actual, "");
        return TellTime.Contains(words[0].ToLowerInvariant()) && long.TryParse(expected.AsSpan(1), out var theirs) && long.TryParse(actual.AsSpan(1), out var ours)
            && theirs >= 0 && ours >= 0 && Math.Abs(theirs - ours) <= (words[0].StartsWith('p') || words[0].StartsWith('P') ? 20_000 : 20);
    }

    /// <summary>Names of fields: before a colon or an equals sign, or a bulk string that is no number. What is of one thread, of a compiler, or of errors that other cases have drawn from it, is left out.</summary>
    private static HashSet<string> FieldsOf(string reply) => [.. FieldName().Matches(reply).Select(match => match.Value).Where(field => !field.Contains("main_thread", StringComparison.Ordinal) && !field.StartsWith("errorstat_", StringComparison.Ordinal) && field is not ("gcc_version:" or "atomicvar_api:"))];

    private static string Sorted(string reply) => string.Join(' ', reply.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));

    /// <summary>An error whole, of a string that it is one, of an array how many elements it has.</summary>
    private static string Form(string reply) => reply.StartsWith('-') ? reply : reply.StartsWith('$') ? reply.StartsWith("$-1", StringComparison.Ordinal) ? "$-1" : "$" : reply.Split(' ')[0];

    private static string Before(List<string[]> commands, int at) => string.Join('\n', commands.GetRange(Math.Max(0, at - 12), Math.Min(at, 12)).Select(words => "    " + Show(words)));

    private static string Show(string[] words) => string.Join(' ', words.Select(word => word.Length == 0 || word.Any(c => c is <= ' ' or > '~') ? '"' + string.Concat(word.Select(c => c is > ' ' and <= '~' ? $"{c}" : $"\\x{(int)c:x2}")) + '"' : word));

    [System.Text.RegularExpressions.GeneratedRegex(@"[a-z][a-z0-9_.-]+[:=]|(?<=\$\d+ )[a-z][a-z-]*\.[a-z.-]+")]
    private static partial System.Text.RegularExpressions.Regex FieldName();

    [System.Text.RegularExpressions.GeneratedRegex(@"id :\d+")]
    private static partial System.Text.RegularExpressions.Regex ClientNumber();

    public sealed class Oracle : IAsyncLifetime
    {
        private RedisProcess? redis;

        public async ValueTask InitializeAsync() => redis = await RedisProcess.StartAsync();

        public async ValueTask DisposeAsync() => await redis!.DisposeAsync();

        internal RedisClient Connect() => redis!.ConnectAsync().GetAwaiter().GetResult();
    }
}
