using Holdfast.Bench;

return args switch
{
    ["load", .. var rest] => await EtcdLoad.RunAsync(LoadPlan.Parse(rest)),
    ["gap", .. var rest] => await WriteGap.RunAsync(LoadPlan.Parse(rest)),
    ["failover", "--endpoints", var endpoints, "--pids", var processes] => await Failover.RunAsync(endpoints.Split(','), processes.Split(',')),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        load --endpoints H:P,.. --case put|range|serializable --clients N --seconds S   requests per second of any etcd-speaking cluster
        gap  --endpoints H:P,.. --seconds S                                             longest time without an acknowledged write
        failover --endpoints H:P,.. --pids P,..                                         kills the leader; time until a later write is acknowledged
        """);
    return 2;
}
