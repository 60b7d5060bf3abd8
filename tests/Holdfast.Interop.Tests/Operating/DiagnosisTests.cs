using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Client;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>The guard rails (R1.13), a rule each.</summary>
public sealed class DiagnosisTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Three_nodes_that_are_well_give_no_finding() => Assert.Empty(Diagnosis.Of(Cluster(3), Now));

    [Fact]
    public void A_silent_node_is_an_error_that_names_it()
    {
        var answers = Cluster(3);
        answers[2] = new NodeAnswer("http://127.0.0.1:3", "n3", null, "connection refused", TimeSpan.Zero);
        var finding = Assert.Single(Diagnosis.Of(answers, Now));
        Assert.Equal(("node-down", true), (finding.Code, finding.IsError));
        Assert.Contains("n3 at http://127.0.0.1:3", finding.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_leaders_of_one_term_are_a_split_brain_and_of_two_terms_are_not()
    {
        var answers = Cluster(3);
        answers[1] = With(answers[1], group => group with { Role = "leader" });
        Assert.Contains("split-brain", Codes(answers)); // R1.10
        answers[1] = With(answers[1], group => group with { Term = 8 });
        Assert.DoesNotContain("split-brain", Codes(answers));
    }

    [Theory]
    [InlineData(1, "single-voter")]
    [InlineData(2, "even-voters")]
    [InlineData(4, "even-voters")]
    public void Unwise_numbers_of_voters_are_advice(int voters, string code) => Assert.Equal([code], Codes(Cluster(voters)));

    [Fact]
    public void What_a_node_says_of_itself_is_judged()
    {
        var rules = new (string Code, Func<NodeAnswer, NodeAnswer> Make)[]
        {
            ("alarm-divergence", node => node with { Status = node.Status! with { Alarms = [new AlarmStatus("divergence", "differs")] } }),
            ("clock-skew", node => node with { ClockSkew = TimeSpan.FromSeconds(2) }),
            ("slow-disk", node => node with { Status = node.Status! with { SyncMillisecondsP99 = 128 } }),
            ("certificate-ends", node => node with { Status = node.Status! with { CertificatesEndSeconds = Now.AddDays(10).ToUnixTimeSeconds() } }),
            ("versions-differ", node => node with { Status = node.Status! with { Version = "0.2.0" } }),
            ("peer-silent", node => node with { Status = node.Status! with { Members = [node.Status.Members[0] with { IsReachable = false }, .. node.Status.Members.Skip(1)] } }),
            ("two-clusters", node => node with { Status = node.Status! with { ClusterId = "other" } }),
            ("restoring", node => With(node, group => group with { IsRestored = false })),
            ("apply-backlog", node => With(node, group => group with { CommitIndex = 200_000 })),
        };
        foreach (var (code, make) in rules)
        {
            var answers = Cluster(3);
            answers[1] = make(answers[1]);
            Assert.Contains(code, Codes(answers));
        }
    }

    [Fact]
    public void A_certificate_about_to_end_is_an_error()
    {
        var answers = Cluster(3);
        answers[0] = answers[0] with { Status = answers[0].Status! with { CertificatesEndSeconds = Now.AddDays(1).ToUnixTimeSeconds() } };
        Assert.True(Assert.Single(Diagnosis.Of(answers, Now)).IsError);
    }

    [Fact]
    public void No_leader_lag_and_a_learner_that_waits_are_found_in_the_groups()
    {
        var answers = Cluster(3).Select(node => With(node, group => group with { Leader = "0000000000000000", Role = "follower" })).ToList();
        Assert.Contains("no-leader", Codes(answers));
        answers = Cluster(3);
        answers[0] = With(answers[0], group => group with { Followers = [new FollowerStatus("b", 50_000)], Learners = ["d"] });
        Assert.Contains("lag", Codes(answers));
        answers = [.. Cluster(3).Select(node => With(node, group => group with { Learners = ["d"] }))];
        Assert.Contains("learner-waits", Codes(answers));
    }

    [Fact]
    public void The_redis_face_is_looked_at_as_operators_of_redis_clusters_learn_to_R2_8()
    {
        var well = new KeyspaceStatus(6379, 1, 16384, 3, 3, 0, 50_000, 100, 1, 0);
        string[] With(KeyspaceStatus face) => Codes([.. Cluster(3).Select(node => node with { Status = node.Status! with { Keyspace = face } })]);
        Assert.Empty(With(well));
        Assert.Equal(["slots-unserved"], With(well with { SlotsServed = 10_000 }));
        Assert.Equal(["shard-alone"], With(well with { ReplicasLeast = 1 }));
        Assert.Equal(["even-replicas"], With(well with { ReplicasLeast = 2 }));
        Assert.Equal(["shard-lag"], With(well with { LagMost = 20_000 }));
        Assert.Equal(["clients-redirected"], With(well with { Redirects = 20_000 }));
        Assert.Equal(["moves-unrehearsed"], With(well with { MovesDone = 0 }));
        Assert.Equal(["moves-failed"], With(well with { MovesFailed = 2 }));
        var nodes = Cluster(3).Select((node, at) => node with { Status = node.Status! with { Roles = "keyspace", Keyspace = at == 0 ? well : well with { Port = 0 } } }).ToArray();
        Assert.Equal(["redis-port"], Codes(nodes));
    }

    private static string[] Codes(IReadOnlyList<NodeAnswer> answers) => [.. Diagnosis.Of(answers, Now).Select(finding => finding.Code).Distinct()];

    private static NodeAnswer With(NodeAnswer node, Func<GroupStatus, GroupStatus> change) => node with { Status = node.Status! with { Groups = [.. node.Status.Groups.Select(change)] } };

    /// <summary>A healthy cluster: a leads, the rest follow.</summary>
    private static List<NodeAnswer> Cluster(int nodes)
    {
        string[] ids = [.. Enumerable.Range(0, nodes).Select(node => ((char)('a' + node)).ToString())];
        MemberStatus[] members = [.. ids.Select((id, node) => new MemberStatus($"n{node + 1}", id, $"127.0.0.1:{7000 + node}", $"http://127.0.0.1:{node + 1}", true))];
        return [.. ids.Select((id, node) => new NodeAnswer($"http://127.0.0.1:{node + 1}", $"n{node + 1}", new NodeStatus($"n{node + 1}", id, "c", "0.1.0", members,
            [new GroupStatus(0, id == "a" ? "leader" : "follower", "a", 7, 100, 100, ids, []), new GroupStatus(1, id == "a" ? "leader" : "follower", "a", 7, 100, 100, ids, [])]), "", TimeSpan.Zero))];
    }
}
