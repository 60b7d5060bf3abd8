using Holdfast.Bench;

return args switch
{
    ["load", .. var rest] => await EtcdLoad.RunAsync(LoadPlan.Parse(rest)),
    ["gap", .. var rest] => await WriteGap.RunAsync(LoadPlan.Parse(rest)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        load --endpoints H:P,.. --case put|range|serializable --clients N --seconds S   requests per second of any etcd-speaking cluster
        gap  --endpoints H:P,.. --seconds S                                             longest time without an acknowledged write
        """);
    return 2;
}
