using System.CommandLine;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Client;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast kv get|put|del|watch</c>: keys and values as text, one a line; exit code 1 when there is nothing, 3 when a write's outcome is unknown.</summary>
internal static class KvCommand
{
    private const int NotFound = 1;

    internal static Command Create()
    {
        var key = new Argument<string>("key") { Description = "The key." };
        var value = new Argument<string>("value") { Description = "The value." };
        var prefix = new Option<bool>("--prefix") { Description = "All keys that begin with the key." };
        var get = new Command("get", "Prints values: linearizable, whichever node is asked.") { key, prefix };
        var put = new Command("put", "Writes a value; returns once a majority has it on disk.") { key, value };
        var del = new Command("del", "Deletes, and prints how many keys there were.") { key, prefix };
        var watch = new Command("watch", "Prints changes until interrupted.") { key, prefix };
        var kv = new Command("kv", "Reads and writes keys of a running cluster.") { get, put, del, watch };
        var endpoints = ClientOptions.AddTo(kv);

        get.SetAction((parsed, cancel) => endpoints.RunAsync(parsed, client => GetAsync(client, parsed.GetValue(key)!, parsed.GetValue(prefix), cancel)));
        put.SetAction((parsed, cancel) => endpoints.RunAsync(parsed, client => PutAsync(client, parsed.GetValue(key)!, parsed.GetValue(value)!, cancel)));
        del.SetAction((parsed, cancel) => endpoints.RunAsync(parsed, client => DeleteAsync(client, parsed.GetValue(key)!, parsed.GetValue(prefix), cancel)));
        watch.SetAction((parsed, cancel) => endpoints.RunAsync(parsed, client => WatchAsync(client, parsed.GetValue(key)!, parsed.GetValue(prefix), cancel)));
        return kv;
    }

    private static async Task<int> GetAsync(HoldfastClient client, string key, bool isPrefix, CancellationToken cancel)
    {
        var response = await client.RangeAsync(new RangeRequest { Key = KeyText.Bytes(key), RangeEnd = End(key, isPrefix) }, cancel);
        foreach (var pair in response.Kvs)
            Console.WriteLine(isPrefix ? $"{pair.Key.ToStringUtf8()}\t{pair.Value.ToStringUtf8()}" : pair.Value.ToStringUtf8());
        return response.Kvs.Count > 0 ? 0 : NotFound;
    }

    private static async Task<int> PutAsync(HoldfastClient client, string key, string value, CancellationToken cancel)
    {
        var response = await client.PutAsync(new PutRequest { Key = KeyText.Bytes(key), Value = KeyText.Bytes(value) }, cancel);
        Console.WriteLine($"revision {response.Header.Revision}");
        return 0;
    }

    private static async Task<int> DeleteAsync(HoldfastClient client, string key, bool isPrefix, CancellationToken cancel)
    {
        var response = await client.DeleteRangeAsync(new DeleteRangeRequest { Key = KeyText.Bytes(key), RangeEnd = End(key, isPrefix) }, cancel);
        Console.WriteLine(response.Deleted);
        return response.Deleted > 0 ? 0 : NotFound;
    }

    private static async Task<int> WatchAsync(HoldfastClient client, string key, bool isPrefix, CancellationToken cancel)
    {
        try
        {
            await foreach (var response in client.WatchAsync(new WatchCreateRequest { Key = KeyText.Bytes(key), RangeEnd = End(key, isPrefix) }, cancel))
            {
                foreach (var change in response.Events)
                    Console.WriteLine($"{(change.Type == Event.Types.EventType.Put ? "put" : "del")}\t{change.Kv.Key.ToStringUtf8()}\t{change.Kv.Value.ToStringUtf8()}");
                if (!response.Canceled) continue;
                await Console.Error.WriteLineAsync($"holdfast: the server ended the watch: {response.CancelReason}");
                return ClientOptions.Failed;
            }
        }
        catch (OperationCanceledException)
        {
            // Interrupted: that is how a watch ends.
        }

        return 0;
    }

    private static ByteString End(string key, bool isPrefix) => isPrefix ? KeyText.EndOfPrefix(key) : ByteString.Empty;
}
