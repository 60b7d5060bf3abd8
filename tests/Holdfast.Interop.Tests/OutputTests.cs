using System.Diagnostics;
using System.Text.Json;

namespace Holdfast.Interop.Tests;

/// <summary>What verbs print, for people and for programs, and what they exit with (docs/errors.md).</summary>
public sealed class OutputTests
{
    [Fact]
    public async Task Every_verb_that_answers_answers_in_json_too()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        Assert.True((await JsonAsync(cluster, 0, "kv", "put", "a", "1")).GetProperty("revision").GetInt64() > 0);
        Assert.Equal("1", (await JsonAsync(cluster, 0, "kv", "get", "a"))[0].GetProperty("value").GetString());
        Assert.Equal("a", (await JsonAsync(cluster, 0, "kv", "get", "--prefix", ""))[0].GetProperty("key").GetString());
        Assert.Equal(0, (await JsonAsync(cluster, 4, "kv", "get", "nothing")).GetArrayLength());
        Assert.Equal(1, (await JsonAsync(cluster, 0, "kv", "del", "a")).GetProperty("deleted").GetInt64());
        await JsonAsync(cluster, 0, "config", "set", "pool", "10");
        Assert.Equal("10", (await JsonAsync(cluster, 0, "config", "get", "pool"))[0].GetProperty("value").GetString());
        Assert.Equal(1, (await JsonAsync(cluster, 0, "config", "history", "pool"))[0].GetProperty("version").GetInt64());
        Assert.Equal("name", (await JsonAsync(cluster, 0, "config", "show"))[0].GetProperty("key").GetString());
        await JsonAsync(cluster, 0, "flag", "set", "cart", "on");
        Assert.True((await JsonAsync(cluster, 0, "flag", "get", "cart", "--for", "ann")).GetProperty("on").GetBoolean());
        Assert.Equal("cart", (await JsonAsync(cluster, 0, "flag", "ls"))[0].GetProperty("name").GetString());
        Assert.Equal(0, (await JsonAsync(cluster, 0, "service", "ls")).GetArrayLength());
        Assert.Equal(0, (await JsonAsync(cluster, 4, "service", "resolve", "web")).GetArrayLength());
        Assert.Equal("leader", (await JsonAsync(cluster, 0, "status"))[0].GetProperty("role").GetString());
        Assert.Equal("n0", (await JsonAsync(cluster, 0, "member", "list"))[0].GetProperty("name").GetString());
        Assert.Equal("single-voter", (await JsonAsync(cluster, 0, "doctor"))[0].GetProperty("code").GetString());
        Assert.NotEmpty((await JsonAsync(cluster, 0, "token")).GetProperty("token").GetString()!);
        Assert.NotEmpty((await JsonAsync(cluster, 0, "version")).GetProperty("version").GetString()!);
    }

    [Fact]
    public async Task Complaints_have_a_stable_code_and_the_exit_code_of_the_table()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        var nobody = $"127.0.0.1:{Ports.Free(1)[0]}";
        await IsRefusedAsync(cluster, "unavailable", 1, "kv", "get", "a", "--endpoints", nobody);
        await IsRefusedAsync(cluster, "unavailable", 1, "token", "--endpoints", nobody);
        await IsRefusedAsync(cluster, "misused", 2, "kv", "get", "a", "--cert", "only.pem");
        await IsRefusedAsync(cluster, "misused", 2, "kv", "get", "a", "--cacert", "no-such-file.pem");
        await IsRefusedAsync(cluster, "misused", 2, "lock", "job", "--ttl", "soon", "--", "true");
        await IsRefusedAsync(cluster, "not-found", 1, "member", "remove", "n9");
        await IsRefusedAsync(cluster, "refused", 1, "recover", "--data", "no-such-folder");
    }

    /// <summary>One way to sign in, whether a verb asks the etcd face or the node's own administration.</summary>
    [Fact]
    public async Task Verbs_of_both_kinds_sign_in_alike()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        Assert.Equal(0, (await RunAsync(cluster, "token", "--user", "root:secret")).Code);
        foreach (var words in (string[][])[["user", "add", "root:secret"], ["user", "grant-role", "root", "root"], ["auth", "enable"]]) await cluster.EtcdctlAsync(0, words);
        Assert.Equal(0, (await RunAsync(cluster, "kv", "put", "a", "1", "--user", "root:secret")).Code);
        Assert.Equal(0, (await RunAsync(cluster, "token", "--user", "root:secret")).Code);
        await IsRefusedAsync(cluster, "not-signed-in", 1, "kv", "get", "a", "--user", "root:guess");
        await IsRefusedAsync(cluster, "not-signed-in", 1, "token", "--user", "root:guess");
        await IsRefusedAsync(cluster, "not-signed-in", 1, "kv", "get", "a");
        Assert.NotEqual(0, (await RunAsync(cluster, "token")).Code);
    }

    /// <summary>No escape sequence ever comes through a pipe, with NO_COLOR or without it.</summary>
    [Fact]
    public async Task A_pipe_gets_no_colours()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        foreach (var words in (string[][])[["status"], ["doctor"], ["member", "list"], ["--help"], ["kv", "get", "nothing"]])
        {
            var (_, said, complaint) = await RunAsync(cluster, words);
            Assert.DoesNotContain('\u001b', said + complaint);
        }
    }

    /// <summary>On a terminal (script(1) makes one) a table has lines and columns, and with NO_COLOR no colours.</summary>
    [Fact]
    public async Task A_terminal_gets_a_table_and_with_NO_COLOR_no_colours()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        var start = new ProcessStartInfo("script", ["-qec", $"'{ServerBench.Program}' status", "/dev/null"]) { RedirectStandardOutput = true, RedirectStandardInput = true };
        (start.Environment["HOLDFAST_ENDPOINTS"], start.Environment["NO_COLOR"], start.Environment["TERM"]) = (cluster.Endpoint(0), "1", "xterm-256color");
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Contains("┌─", said, StringComparison.Ordinal);
        Assert.DoesNotMatch("\u001b\\[[0-9;]*m", said);
    }

    private static async Task IsRefusedAsync(ProcessCluster cluster, string code, int exit, params string[] words)
    {
        // Options stand before the words of a command that is run under a verb.
        var end = Array.IndexOf(words, "--");
        var text = await RunAsync(cluster, words);
        var json = await RunAsync(cluster, end < 0 ? [.. words, "-o", "json"] : [.. words[..end], "-o", "json", .. words[end..]]);
        Assert.True(text.Code == exit, $"{string.Join(' ', words)}: {text.Code} {text.Complaint}");
        Assert.EndsWith($" [{code}]\n", text.Complaint, StringComparison.Ordinal);
        var said = JsonDocument.Parse(json.Complaint.Split('\n')[0]).RootElement;
        Assert.Equal((code, exit, exit), (said.GetProperty("code").GetString(), said.GetProperty("exit").GetInt32(), json.Code));
    }

    private static async Task<JsonElement> JsonAsync(ProcessCluster cluster, int code, params string[] words)
    {
        var ended = await RunAsync(cluster, [.. words, "-o", "json"]);
        Assert.True(ended.Code == code, $"{string.Join(' ', words)} exits with {ended.Code}: {ended.Said}{ended.Complaint}");
        return JsonDocument.Parse(ended.Said).RootElement;
    }

    private static async Task<(int Code, string Said, string Complaint)> RunAsync(ProcessCluster cluster, params string[] words)
    {
        var start = new ProcessStartInfo(ServerBench.Program, words) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (!words.Contains("--endpoints")) start.Environment["HOLDFAST_ENDPOINTS"] = cluster.Endpoint(0);
        using var process = Process.Start(start)!;
        var complaint = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said, await complaint);
    }
}
