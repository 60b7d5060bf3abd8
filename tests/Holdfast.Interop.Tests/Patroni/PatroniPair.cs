using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Holdfast.Interop.Tests.Patroni;

/// <summary>
/// Two PostgreSQL servers under Debian's Patroni, which keeps its state in Holdfast through the JSON gateway (its <c>etcd3</c> store). PostgreSQL
/// refuses to run as root, so a root's test runs both as <c>postgres</c>. Everything lies in a temporary folder and listens on loopback only.
/// </summary>
internal sealed class PatroniPair : IAsyncDisposable
{
    /// <summary>Patroni's smallest: how long a dead primary keeps its lock, in seconds.</summary>
    private const int TimeToLive = 20;

    private static readonly TimeSpan Patience = Patient.Most;

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-patroni-").FullName;
    private readonly int[] ports = Ports.Free(4);
    private readonly Process?[] patronis = new Process?[2];
    private readonly string binaries;

    /// <summary>Writes the configurations; nothing runs yet.</summary>
    /// <param name="store">Where Patroni finds its store: "host:port" of every member.</param>
    public PatroniPair(IEnumerable<string> store)
    {
        binaries = Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "postgres"))).Max()
            ?? throw new InvalidOperationException("PostgreSQL is missing: install Debian's postgresql (./test does it)");
        Run("chmod", "711", folder);
        for (var node = 0; node < 2; node++)
        {
            Directory.CreateDirectory(Home(node));
            File.WriteAllText(ConfigurationFile(node), Configuration(node, string.Join(',', store)));
            if (Environment.IsPrivilegedProcess) Run("chown", "-R", "postgres:", Home(node));
        }
    }

    /// <summary>Starts a node's Patroni, which starts its PostgreSQL.</summary>
    public void Start(int node)
    {
        var start = AsPostgres(node, "/usr/bin/patroni", ConfigurationFile(node));
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Hear(node, line.Data);
        process.ErrorDataReceived += (_, line) => Hear(node, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        patronis[node] = process;
    }

    /// <summary>kill -9 of a node's Patroni and of its PostgreSQL.</summary>
    public async Task KillAsync(int node)
    {
        if (patronis[node] is not { } patroni) return;
        patronis[node] = null;
        patroni.Kill();
        KillPostmaster(node);

        // Only now: PostgreSQL has Patroni's output open, and its end is waited for too.
        await patroni.WaitForExitAsync();
        patroni.Dispose();
    }

    /// <summary>Which node PostgreSQL says is the primary, both that Patroni and it agree on; waits until there is one.</summary>
    /// <param name="exceptFor">A node that it must not be.</param>
    public async Task<int> PrimaryAsync(int exceptFor = -1)
    {
        var found = -1;
        await UntilAsync("a primary" + (exceptFor < 0 ? "" : " other than pg" + exceptFor), async () =>
        {
            for (var node = 0; node < 2; node++)
                if (node != exceptFor && patronis[node] is not null && await TryAskAsync(node, "select pg_is_in_recovery()") == "f") found = node;
            return found >= 0;
        });
        return found;
    }

    /// <summary>Waits until a node follows the primary and has all that it has.</summary>
    public Task UntilFollowsAsync(int node) => UntilAsync($"pg{node} to follow", async () =>
        await TryAskAsync(node, "select pg_is_in_recovery()") == "t" && await TryAskAsync(1 - node, $"select state from pg_stat_replication where application_name = 'pg{node}'") == "streaming");

    /// <summary>What Patroni's own members say of each other, by patronictl.</summary>
    public async Task<string> PatronictlAsync(params string[] words)
    {
        var start = AsPostgres(0, "/usr/bin/patronictl", ["-c", ConfigurationFile(0), .. words]);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using var process = Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"patronictl {string.Join(' ', words)}: {said} {await fault}\n{LastWords()}");
        return said;
    }

    /// <summary>The role that patronictl shows for each member: <c>Leader</c>, <c>Replica</c>.</summary>
    public async Task<Dictionary<string, string>> RolesAsync()
    {
        using var list = JsonDocument.Parse(await PatronictlAsync("list", "--format", "json"));
        return list.RootElement.EnumerateArray().ToDictionary(member => member.GetProperty("Member").GetString()!, member => member.GetProperty("Role").GetString()!);
    }

    /// <summary>A statement's answer.</summary>
    public async Task<string> AskAsync(int node, string statement)
    {
        var (code, said) = await PsqlAsync(node, statement);
        Assert.True(code == 0, $"pg{node}: {statement}: {said}\n{LastWords()}");
        return said;
    }

    /// <summary>How often a node's Patroni has said something.</summary>
    public int CountSaid(int node, string words)
    {
        lock (patronis) return File.Exists(LogFile(node)) ? File.ReadLines(LogFile(node)).Count(line => line.Contains(words, StringComparison.Ordinal)) : 0;
    }

    /// <summary>Waits until something holds.</summary>
    public async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        for (var begun = Stopwatch.StartNew(); !await holds();)
        {
            Assert.True(begun.Elapsed < Patience, $"waited {Patience.TotalSeconds} s for {what}; last words:\n{LastWords()}");
            await timer.WaitForNextTickAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        for (var node = 0; node < 2; node++) await KillAsync(node);
        Directory.Delete(folder, recursive: true);
    }

    private static void Run(string program, params string[] words)
    {
        using var process = Process.Start(program, words);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private ProcessStartInfo AsPostgres(int node, string program, params string[] words)
    {
        var start = new ProcessStartInfo(Environment.IsPrivilegedProcess ? "setpriv" : program) { WorkingDirectory = Home(node) };
        if (Environment.IsPrivilegedProcess)
            foreach (var word in (string[])["--reuid", "postgres", "--regid", "postgres", "--clear-groups", program]) start.ArgumentList.Add(word);
        foreach (var word in words) start.ArgumentList.Add(word);
        start.Environment["HOME"] = Home(node);
        start.Environment["LC_ALL"] = "C.UTF-8";
        return start;
    }

    /// <summary>The children of a killed postmaster end by themselves; the process is waited for, since the next one takes its port.</summary>
    private void KillPostmaster(int node)
    {
        var file = Path.Combine(Home(node), "data", "postmaster.pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadLines(file).First(), CultureInfo.InvariantCulture, out var pid)) return;
        try
        {
            using var postmaster = Process.GetProcessById(pid);
            if (!postmaster.ProcessName.StartsWith("postgres", StringComparison.Ordinal)) return;
            postmaster.Kill();
            postmaster.WaitForExit();
        }
        catch (ArgumentException)
        {
            // It ended by itself.
        }
    }

    private async Task<string?> TryAskAsync(int node, string statement) => await PsqlAsync(node, statement) is (0, var said) ? said : null;

    private async Task<(int Code, string Said)> PsqlAsync(int node, string statement)
    {
        var start = new ProcessStartInfo(Path.Combine(binaries, "psql")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["-X", "-A", "-t", "-h", "127.0.0.1", "-p", Port(node), "-U", "postgres", "-d", "postgres", "-c", statement]) start.ArgumentList.Add(word);
        start.Environment["PGPASSWORD"] = "secret";
        start.Environment["PGCONNECT_TIMEOUT"] = "5";
        using var process = Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, process.ExitCode == 0 ? said.Trim() : await fault);
    }

    private string Home(int node) => Path.Combine(folder, $"pg{node}");

    private string ConfigurationFile(int node) => Path.Combine(Home(node), "patroni.yml");

    private string LogFile(int node) => Path.Combine(folder, $"pg{node}.log");

    private string Port(int node) => ports[node * 2].ToString(CultureInfo.InvariantCulture);

    private void Hear(int node, string? line)
    {
        lock (patronis)
            if (line is not null && Directory.Exists(folder)) File.AppendAllText(LogFile(node), line + "\n");
    }

    private string LastWords()
    {
        lock (patronis)
            return string.Join('\n', Enumerable.Range(0, 2).SelectMany(node => File.Exists(LogFile(node)) ? File.ReadLines(LogFile(node)).TakeLast(60).Select(line => $"pg{node}: {line}") : []));
    }

    private string Configuration(int node, string store) => $$"""
        scope: pair
        name: pg{{node}}
        restapi: { listen: "127.0.0.1:{{ports[(node * 2) + 1]}}", connect_address: "127.0.0.1:{{ports[(node * 2) + 1]}}" }
        etcd3: { hosts: "{{store}}" }
        bootstrap:
          dcs: { ttl: {{TimeToLive}}, loop_wait: 1, retry_timeout: 5, postgresql: { use_pg_rewind: true, parameters: { fsync: "off", max_connections: 20, shared_buffers: 16MB, wal_log_hints: "on" } } }
          initdb: [ { encoding: UTF8 }, { locale: C }, no-sync ]
        postgresql:
          listen: 127.0.0.1:{{Port(node)}}
          connect_address: 127.0.0.1:{{Port(node)}}
          data_dir: {{Home(node)}}/data
          bin_dir: {{binaries}}
          pgpass: {{Home(node)}}/pgpass
          authentication:
            superuser: { username: postgres, password: secret }
            replication: { username: replicator, password: secret }
          parameters: { unix_socket_directories: {{Home(node)}} }
          pg_hba: [ "local all all trust", "host all all 127.0.0.1/32 md5", "host replication replicator 127.0.0.1/32 md5" ]

        """;
}
