using System.CommandLine;
using System.Net;
using Holdfast.Models;

var embed = new Option<string?>("--embed") { Description = "An embedder: a folder with an ONNX model of the BERT family and its vocabulary, or with a static model (model2vec)." };
var rerank = new Option<string?>("--rerank") { Description = "A cross-encoder: a folder with an ONNX model of the BERT family and its vocabulary." };
var listen = new Option<string>("--listen") { Description = "Where requests are taken, host:port; port 0 for any free one, which is printed.", DefaultValueFactory = static _ => "127.0.0.1:8089" };
var threads = new Option<int>("--threads") { Description = "How many threads compute at most; 0 for one a core." };
var child = new Option<bool>("--until-input-ends") { Description = "Ends when standard input does: whoever started it is gone then." };
var root = new RootCommand($"Serves models from files: POST /v1/embeddings as OpenAI's, POST /v1/rerank as Cohere's, GET /v1/models. Addresses other than this machine's own need a key in {ModelServer.KeyVariable}.") { embed, rerank, listen, threads, child };
root.SetAction(async (parsed, cancel) =>
{
    try
    {
        if (!IPEndPoint.TryParse(parsed.GetValue(listen)!, out var address)) throw new ArgumentException($"--listen {parsed.GetValue(listen)} is no address and port");
        var key = Environment.GetEnvironmentVariable(ModelServer.KeyVariable) ?? "";
        if (!IPAddress.IsLoopback(address.Address) && key.Length == 0) throw new ArgumentException($"{address} can be reached by others: set {ModelServer.KeyVariable}, which they are to show");
        using var models = ServedModels.Load(parsed.GetValue(embed), parsed.GetValue(rerank), parsed.GetValue(threads));
        await using var server = await ModelServer.StartAsync(models, address, key, cancel);
        Console.WriteLine($"http://{server.Address}/v1");
        if (parsed.GetValue(child)) await Console.In.ReadToEndAsync(cancel);
        else await Task.Delay(Timeout.Infinite, cancel).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return 0;
    }
    catch (Exception refused) when (refused is ArgumentException or IOException)
    {
        Console.Error.WriteLine($"holdfast-models: {refused.Message}");
        return 2;
    }
});
return await root.Parse(args).InvokeAsync();
