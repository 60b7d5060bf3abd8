namespace Holdfast.Keyspace.Tests;

/// <summary>Commands that the installed Redis does not have: Cases/Newer/*.txt say what they reply, after their documentation.</summary>
public sealed class NewerCommandTests
{
    public static TheoryData<string> Files => [.. Transcript.Names];

    [Theory]
    [MemberData(nameof(Files))]
    public void They_reply_what_is_written_of_them(string file)
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        var differences = Transcript.Of(file).Select(step => (step.Command, step.Reply, Actual: client.Say(step.Command))).Where(step => step.Reply != step.Actual).Select(step => $"{step.Command}\n    {step.Actual}, and not {step.Reply}");
        Assert.Empty(differences);
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }
}

/// <summary>Commands with the replies that they are to have: a command a line, and indented below it its reply.</summary>
internal static class Transcript
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Cases", "Newer");

    public static IEnumerable<string> Names => Directory.GetFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)).Where(name => !name.EndsWith(".random", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    public static IEnumerable<(string Command, string Reply)> Of(string name)
    {
        var lines = File.ReadAllLines(Path.Combine(Folder, $"{name}.txt")).Where(line => line.Length > 0 && !line.StartsWith('#')).ToArray();
        for (var i = 0; i + 1 < lines.Length; i += 2) yield return (lines[i], lines[i + 1].Trim());
    }
}
