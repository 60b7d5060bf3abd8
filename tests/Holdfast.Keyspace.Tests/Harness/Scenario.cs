using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Holdfast.Keyspace.Tests;

/// <summary>
/// Several connections and what each of them hears: <c>Scenarios/NAME.txt</c>, played to Redis and to us. A line names a connection and says what happens there:
/// <code>
///  a> BLPOP k 1     sends a command and takes one reply
///  a~ BLPOP k 0     sends a command that has nothing to say yet: the client waits
///  a&lt;              takes what comes next
///  a!               closes the connection
///  a.               the server has closed it
///  blur REGEX       what matches is not compared (times)
/// </code>
/// $a is the number of connection a. Lines with # are comments.
/// </summary>
internal sealed class Scenario(string name)
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Scenarios");

    public static IEnumerable<string> Names => Directory.GetFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);

    /// <summary>Every command of a scenario.</summary>
    public static IEnumerable<string[]> CommandsOf(string name) => new Scenario(name).Lines.Where(line => line.Length > 3 && line[1] is '>' or '~').Select(line => Request.Split(line[3..]));

    private IEnumerable<string> Lines => File.ReadLines(Path.Combine(Folder, $"{name}.txt"), Encoding.Latin1).Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith('#'));

    /// <summary>What was heard, a line each.</summary>
    public List<string> Play(IStage stage, int protocol)
    {
        var heard = new List<string>();
        var blurs = new List<Regex>();
        var actors = new SortedDictionary<char, IActor>();
        foreach (var line in Lines)
        {
            if (line.StartsWith("blur ", StringComparison.Ordinal))
            {
                blurs.Add(new Regex(line[5..]));
                continue;
            }

            if (!actors.TryGetValue(line[0], out var actor))
            {
                actors[line[0]] = actor = stage.Connect();
                actor.Send(["HELLO", $"{protocol}"]);
                actor.Take();
            }

            var words = line.Length > 3 ? Request.Split(line[3..]) : [];
            for (var i = 0; i < words.Length; i++)
                if (words[i].Length == 2 && words[i][0] == '$') words[i] = actors[words[i][1]].Id.ToString(CultureInfo.InvariantCulture);
            switch (line[1])
            {
                case '>':
                    actor.Send(words);
                    heard.Add($"{line}\n    {Blur(actor.Take(), blurs)}");
                    break;
                case '~':
                    actor.Send(words);
                    actor.AwaitWaiting();
                    break;
                case '<':
                    heard.Add($"{line}\n    {Blur(actor.Take(), blurs)}");
                    break;
                case '.':
                    actor.AwaitClosed();
                    heard.Add(line);
                    actors.Remove(line[0]);
                    break;
                case '!':
                    actor.Close();
                    actors.Remove(line[0]);
                    break;
                default:
                    Assert.Fail($"{name}: what is \"{line}\"?");
                    break;
            }
        }

        foreach (var actor in actors.Values) actor.Close();
        return heard;
    }

    private static string Blur(string reply, List<Regex> blurs)
    {
        foreach (var blur in blurs) reply = blur.Replace(reply, "#");
        return reply;
    }
}

/// <summary>Redis, or us.</summary>
internal interface IStage
{
    IActor Connect();
}

/// <summary>A connection of a scenario.</summary>
internal interface IActor
{
    long Id { get; }

    void Send(string[] words);

    /// <summary>The next reply or push.</summary>
    string Take();

    /// <summary>Until the server says that the client waits.</summary>
    void AwaitWaiting();

    void AwaitClosed();

    void Close();
}

/// <summary>Debian's redis-server as a stage.</summary>
internal sealed class RedisStage(Func<RedisClient> connect) : IStage, IDisposable
{
    private readonly RedisClient control = connect();

    public IActor Connect() => new Actor(connect(), control);

    public void Dispose() => control.Dispose();

    private sealed class Actor : IActor
    {
        private readonly RedisClient client;
        private readonly RedisClient control;

        public Actor(RedisClient client, RedisClient control)
        {
            (this.client, this.control) = (client, control);
            Id = long.Parse(client.Ask("CLIENT", "ID").AsSpan(1), CultureInfo.InvariantCulture);
        }

        public long Id { get; }

        public void Send(string[] words) => client.Send([words]);

        public string Take() => client.Take();

        public void AwaitWaiting()
        {
            for (var begun = Stopwatch.StartNew(); !control.Ask("CLIENT", "LIST", "ID", $"{Id}").Contains("flags=b", StringComparison.Ordinal); Thread.Yield())
                Assert.True(begun.Elapsed < TimeSpan.FromSeconds(60), "the client does not wait at Redis");
        }

        public void AwaitClosed()
        {
            client.AwaitClosed();
            client.Dispose();
        }

        public void Close() => client.Dispose();
    }
}

/// <summary>Ourselves as a stage, with a clock of the test's.</summary>
internal sealed class LocalStage(LocalShards shards) : IStage
{
    public IActor Connect() => new Actor(shards);

    private sealed class Actor(LocalShards shards) : IActor
    {
        private readonly LocalClient client = shards.Connect();

        public long Id => client.Session.Id;

        public void Send(string[] words) => client.Send(words);

        public string Take()
        {
            for (var left = 100; left > 0; left--)
            {
                var reply = client.Take();
                if (reply != "(nothing)") return reply;
                foreach (var waiting in shards.Node.Waiting.ToArray())
                    if (!waiting.Retry()) shards.Node.Waiting.Remove(waiting); // As the loop does.
                shards.Pass(TimeSpan.FromMilliseconds(50));
            }

            return "(nothing)";
        }

        public void AwaitWaiting() => Assert.True(client.Session.IsBlocked || client.Session.IsPaused, "the client does not wait; it was told: " + client.Take());

        public void AwaitClosed() => Assert.True(client.IsClosed, "the connection is not closed; it was told: " + client.Take());

        public void Close() => client.Session.Close();
    }
}
