using System.Globalization;
using Holdfast.Bench;
using Holdfast.Bench.Core;
using Holdfast.Bench.Redis;

return args switch
{
    ["load", .. var rest] => EtcdLoad.Run(LoadPlan.Parse(rest)),
    ["fill", .. var rest] => FillLoad.Run(LoadPlan.Parse(rest)),
    ["gap", .. var rest] => await WriteGap.RunAsync(LoadPlan.Parse(rest)),
    ["failover", "--endpoints", var endpoints, "--pids", var processes] => await Failover.RunAsync(endpoints.Split(','), processes.Split(',')),
    ["redis-load", var batch, var wait, .. var rest] => RespLoad.Run(LoadPlan.Parse(rest), int.Parse(batch, CultureInfo.InvariantCulture), wait == "wait"),
    ["redis-echo", var port, var folder, var bytes] => EchoNode.Run(int.Parse(port, CultureInfo.InvariantCulture), folder, long.Parse(bytes, CultureInfo.InvariantCulture)),
    ["redis-failover", var endpoints, var victim] => RespFailover.Run(endpoints.Split(','), int.Parse(victim, CultureInfo.InvariantCulture)),
    ["redis-benchmark", var requests, .. var rest] when Array.IndexOf(rest, "--") is > 0 and var end =>
        MeasuredCommand.Run(LoadPlan.Parse(rest[..end]), ["redis-benchmark", .. rest[(end + 1)..]], int.Parse(requests, CultureInfo.InvariantCulture)),
    ["core", var port, .. var rest] => CoreLoad.Run(LoadPlan.Parse(rest), int.Parse(port, CultureInfo.InvariantCulture)),
    ["core-idle", var port, .. var rest] => CoreLoad.RunIdle(LoadPlan.Parse(rest), int.Parse(port, CultureInfo.InvariantCulture)),
    ["idle", .. var rest] => CoreLoad.RunIdleServers(LoadPlan.Parse(rest)),
    ["core-node", var folder, var port, var groups] => await CoreNode.RunAsync(folder, int.Parse(port, CultureInfo.InvariantCulture), int.Parse(groups, CultureInfo.InvariantCulture)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        load --endpoints H:P,.. --case put|txn|range|serializable|watch --clients N --seconds S [--servers PID,..] [--ca FILE]   requests per second of any etcd-speaking cluster
        fill --endpoints H:P,.. --keys N --clients N [--size B] [--ca FILE]             puts N keys, each once
        gap  --endpoints H:P,.. --seconds S                                             longest time without an acknowledged write
        failover --endpoints H:P,.. --pids P,..                                         kills the leader; time until a later write is acknowledged
        redis-load BATCH wait|- --endpoints H:P,.. --case NAME --clients N --seconds S [--size B] [--servers PID,..]   SETs in batches, each followed by WAIT 1 or not
        redis-echo PORT FOLDER BYTES            answers SETs with OK and does nothing else, beside snapshots of so many bytes that are written one after another (0: none)
        redis-failover H:P,.. PID               kills the first endpoint's process; time until a write to one of its slots is acknowledged by another
        redis-benchmark REQUESTS --case PREFIX --clients N --servers PID,.. -- ARGUMENTS   Debian's redis-benchmark, and what the servers cost meanwhile
        core PORT --seconds S [--size B]        a bare group of three processes with peer ports from PORT: 1, 64 and 256 proposers inside the leader
        core-idle PORT --seconds S              three processes with 1 and with 200 groups at rest
        idle --servers PID,.. --seconds S       any processes at rest
        """);
    return 2;
}
