using System.Diagnostics;
using System.Text.RegularExpressions;
using Holdfast.Coordination.Tests;

namespace Holdfast.Interop.Tests;

/// <summary>etcdctl, verb by verb, against Debian's etcd and against us, each a process with one member: the same words, the same exit codes. What differs by its nature (ids, times, versions, sizes) is left out.</summary>
public sealed partial class EtcdctlDifferentialTests
{
    /// <summary>One call a line; <c>&lt;&lt;</c> begins what is typed in.</summary>
    private const string Calls = """
        put a 1
        put a 2 --prev-kv
        put a --ignore-value
        put b 3 --lease=999
        put c x --ignore-lease
        get a -w json
        get a -w fields
        get a -w simple
        get "" --prefix --keys-only
        get a z --sort-by=MODIFY --order=DESCEND
        get a --rev=2
        get a --print-value-only
        get "" --from-key --limit 2
        get a --consistency=s
        get zz --rev=9999
        get a z --count-only -w fields
        lease grant 0
        lease grant -5
        lease timetolive 1
        lease revoke 1
        lease list
        lease keep-alive 1 --once
        del a --prev-kv
        del nothing
        del "" --prefix
        put r ok
        put r again
        compaction 3
        compaction 3
        compaction 99999
        compaction 0
        compaction 4 --physical
        get r --rev=2
        txn << value("r") = "again"\n\ndel r\n\nget r\n\n
        txn -w json << ver("r") > "0"\nmod("r") > "1"\n\nput r 1\n\nget r\n\n
        member list
        member list -w json
        member add x
        member add x --peer-urls=nonsense
        member remove zz
        member remove 1234
        member update 1234 --peer-urls=http://127.0.0.1:1
        member promote 1234
        endpoint health
        endpoint status -w json
        endpoint hashkv -w json
        alarm list
        alarm disarm
        defrag
        move-leader 1234
        move-leader
        user add u1:pw
        user add u1:pw
        user add u2 --no-password
        user add :x
        user list
        user get u1
        user get nobody
        user passwd u1 --interactive=false << newpw\n
        user passwd nobody --interactive=false << newpw\n
        role add r1
        role add r1
        role list
        role grant-permission r1 read k1
        role grant-permission r1 readwrite k1 k9
        role grant-permission r1 write p --prefix
        role grant-permission r1 read z --from-key
        role get r1
        role get nope
        role grant-permission nope read x
        role grant-permission r1 bad x
        role revoke-permission r1 k1
        role revoke-permission r1 nokey
        role revoke-permission r1 p --prefix
        user grant-role u1 r1
        user grant-role u1 nope
        user grant-role nobody r1
        user revoke-role u1 nope
        user get u1 --detail
        user revoke-role u1 r1
        user revoke-role u1 r1
        auth enable
        user add root:root
        auth enable
        user grant-role root root
        user grant-role u1 r1
        auth enable
        --user root:root auth enable
        get k1
        --user u1:newpw get k1
        --user u1:newpw get k1 k9
        --user u1:newpw put k1 x
        --user u1:newpw get other
        --user u1:pw get k1
        --user nobody:x get k1
        --user u2:x get a
        --user u1:newpw member list
        --user u1:newpw user list
        --user u1:newpw user get u1
        --user u1:newpw user get root
        --user u1:newpw role get r1
        --user u1:newpw role get root
        --user root:root user delete root
        --user root:root role delete root
        --user root:root auth disable
        auth disable
        role delete r1
        role delete r1
        user delete u1
        user delete u1
        user delete u2
        lock l1 echo locked
        get l1 --prefix --keys-only
        """;

    [Fact]
    public async Task Every_verb_says_the_same_and_ends_the_same()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var ours = new EtcdFlagCluster();
        await ours.StartAsync(0, ours.InitialCluster(1));
        var complaints = new List<string>();
        foreach (var call in Calls.Split('\n'))
        {
            var answers = await Task.WhenAll(RunAsync(etcd.Url["http://".Length..], call), RunAsync(ours.Client(0)["http://".Length..], call));
            if (answers[0] != answers[1]) complaints.Add($"etcdctl {call}\n  etcd: {answers[0]}\n  us:   {answers[1]}");
        }

        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }

    private static async Task<string> RunAsync(string endpoint, string call)
    {
        var halves = call.Split(" << ", 2);
        var start = new ProcessStartInfo("etcdctl") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ETCDCTL_API"] = "3";
        foreach (var word in (string[])["--endpoints", endpoint, "--dial-timeout=60s", "--command-timeout=60s", .. halves[0].Split(' ').Select(word => word == "\"\"" ? "" : word)]) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        if (halves.Length > 1) await process.StandardInput.WriteAsync(halves[1].Replace("\\n", "\n", StringComparison.Ordinal));
        process.StandardInput.Close();
        var (output, fault) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return Plain($"{await output}{await fault}exit {process.ExitCode}");
    }

    /// <summary>Without the client's own log lines, addresses, ids, terms, indexes, sizes, versions and times.</summary>
    private static string Plain(string said)
    {
        var text = string.Join('\n', said.Replace("infra0", "default", StringComparison.Ordinal).Split('\n').Where(line => !line.StartsWith("{\"level\":", StringComparison.Ordinal)));
        text = Numbers().Replace(text, "$1N");
        text = Addresses().Replace(text, "ADDRESS");
        text = Ids().Replace(text, "ID");
        return Times().Replace(text, "took = TIME");
    }

    [GeneratedRegex("""("(?:cluster_id|member_id|ID|leader|raft_term|raftTerm|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse)":|"(?:ClusterID|MemberID|RaftTerm)" : |"version":)(?:[0-9]+|"3[0-9.]+")""")]
    private static partial Regex Numbers();

    [GeneratedRegex("127\\.0\\.0\\.1:[0-9]+")]
    private static partial Regex Addresses();

    [GeneratedRegex("\\b[0-9a-f]{15,16}\\b")]
    private static partial Regex Ids();

    [GeneratedRegex("took = [^ \\n]+")]
    private static partial Regex Times();
}
