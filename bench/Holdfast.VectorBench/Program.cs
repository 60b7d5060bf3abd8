using System.Globalization;
using Holdfast.VectorBench;
using Holdfast.VectorBench.Serving;
using Holdfast.Vectors.Graphs;

// usage: Holdfast.VectorBench FOLDER NAME truth|float32|int8|binary|product|turned4|turned2|turned1|usearch|filters|tail [ROUNDS]
//        Holdfast.VectorBench FOLDER NAME replicas SCRATCH-FOLDER
//        Holdfast.VectorBench FOLDER NAME upsert|query|kill|settle --rest H:P,.. --grpc H:P,.. [--pages H:P,..] [--pids P,..] [--shards N] [--clients N] [--seconds S]
//        Holdfast.VectorBench FOLDER restart write|read ROWS QUANTIZATION-AS-JSON
if (args[1] == "restart")
{
    var restart = new RestartCase(args[0], int.Parse(args[3], CultureInfo.InvariantCulture), args[4]);
    if (args[2] == "write") restart.Write();
    else restart.Read();
    return;
}

var set = DataSet.Read(args[0], args[1]);
if (args[2] is "upsert" or "query" or "kill" or "settle")
{
    var options = args[3..].Chunk(2).ToDictionary(pair => pair[0][2..], pair => pair[1], StringComparer.Ordinal);
    int Number(string name, int otherwise) => options.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
    using var nodes = new ServedNodes(options);
    var kill = new KillCase(nodes, set, [.. options.GetValueOrDefault("pids", "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))]);
    await (args[2] switch
    {
        "upsert" => new UpsertCase(nodes, set, Number("shards", 3), Number("clients", 4)).RunAsync(),
        "query" => new QueryCase(nodes, set, Number("clients", 2), Number("seconds", 10)).RunAsync(),
        "kill" => kill.KillAsync(),
        _ => kill.SettleAsync(),
    });
    return;
}

if (args[2] == "replicas")
{
    new ReplicaCase(set, args[3]).Run();
    return;
}

var rounds = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 3;
switch (args[2])
{
    case "truth":
        Console.WriteLine(BruteForce.Hardness(set));
        break;
    case "filters":
        new FilterCase(set).Run(rounds);
        break;
    case "tail":
        new TailCase(set).Run(rounds);
        break;
    case "usearch":
        new Contest("usearch", set, rounds).Run(new USearchSubject(set));
        break;
    case "int8":
        new Contest("holdfast-int8", set, rounds).Run(new OwnSubject(set, new Quantization()));
        break;
    case "binary":
        new Contest("holdfast-binary", set, rounds).Run(new OwnSubject(set, new Quantization { Encoding = GraphEncoding.Binary }));
        break;
    case "product":
        new Contest("holdfast-product-x16", set, rounds).Run(new OwnSubject(set, new Quantization { Encoding = GraphEncoding.Product, Compression = 16 }));
        break;
    case "turned4" or "turned2" or "turned1":
        new Contest($"holdfast-{args[2]}", set, rounds).Run(new OwnSubject(set, new Quantization { Encoding = GraphEncoding.Turned, Bits = args[2][^1] - '0' }));
        break;
    default:
        new Contest("holdfast-float32", set, rounds).Run(new OwnSubject(set, new Quantization { Encoding = GraphEncoding.Exact }));
        break;
}
