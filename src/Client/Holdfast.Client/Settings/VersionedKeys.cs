using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>One value that a key had.</summary>
/// <param name="Revision">The revision that wrote it.</param>
/// <param name="Version">How many times the key was written since it was created, this one included.</param>
/// <param name="Value">The value.</param>
public sealed record KeyVersionText(long Revision, long Version, string Value);

/// <summary>
/// Keys under a prefix whose past counts: configuration and feature flags (R1.5). Everybody sees the same changes in the same order, and history is what MVCC keeps until it is compacted.
/// </summary>
public sealed class VersionedKeys
{
    private readonly HoldfastClient client;
    private readonly string prefix;

    internal VersionedKeys(HoldfastClient client, string prefix) => (this.client, this.prefix) = (client, prefix);

    /// <summary>The value now; null when there is none.</summary>
    public async Task<KeyVersionText?> GetAsync(string name, CancellationToken cancel = default) => await client.GetAsync(prefix + name, cancel).ConfigureAwait(false) is { } pair ? Text(pair) : null;

    /// <summary>All names and values now, by name.</summary>
    public async Task<IReadOnlyList<(string Name, KeyVersionText Value)>> ListAsync(CancellationToken cancel = default) =>
        [.. (await client.GetPrefixAsync(prefix, cancel).ConfigureAwait(false)).Kvs.Select(pair => (pair.Key.ToStringUtf8()[prefix.Length..], Text(pair)))];

    /// <summary>Writes a value; the revision is its name in the history.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have been written.</exception>
    public async Task<long> SetAsync(string name, string value, CancellationToken cancel = default) => (await client.PutAsync(prefix + name, value, 0, cancel).ConfigureAwait(false)).Header.Revision;

    /// <summary>The values that a key had since it was created, newest first, as far back as nothing is compacted and at most so many.</summary>
    public async IAsyncEnumerable<KeyVersionText> HistoryAsync(string name, int countMax, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var newest = await GetAsync(name, cancel).ConfigureAwait(false);
        for (var (at, count) = (newest, 1); at is not null; count++)
        {
            yield return at;
            if (at.Version == 1 || count >= countMax) break;
            at = await AtAsync(name, at.Revision - 1, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the value that a key had at a revision again, as a new revision; only if nobody changes the key meanwhile.</summary>
    /// <returns>The new revision; null when there was no value then (or it is compacted), or the key changed meanwhile.</returns>
    /// <exception cref="OutcomeUnknownException">It may or may not have been written.</exception>
    public async Task<long?> RollbackAsync(string name, long revision, CancellationToken cancel = default)
    {
        if (await AtAsync(name, revision, cancel).ConfigureAwait(false) is not { } then) return null;
        var now = await GetAsync(name, cancel).ConfigureAwait(false);
        return await ReplaceAsync(name, now?.Revision ?? 0, then.Value, cancel).ConfigureAwait(false);
    }

    /// <summary>Writes a value if the key is still what was read.</summary>
    /// <param name="name">The name.</param>
    /// <param name="readRevision">The revision of the value that was read; 0 when there was none.</param>
    /// <param name="value">The new value.</param>
    /// <param name="cancel">Gives up waiting for the answer.</param>
    /// <returns>The new revision; null when somebody was faster.</returns>
    /// <exception cref="OutcomeUnknownException">It may or may not have been written.</exception>
    public async Task<long?> ReplaceAsync(string name, long readRevision, string value, CancellationToken cancel = default)
    {
        var key = KeyText.Bytes(prefix + name);
        var done = await client.TxnAsync(new TxnRequest
        {
            Compare = { new Compare { Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, Key = key, ModRevision = readRevision } },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8(value) } } },
        }, cancel).ConfigureAwait(false);
        return done.Succeeded ? done.Header.Revision : null;
    }

    /// <summary>The changes of one key (or, with an empty name, of all) from now on; a null value is a deletion.</summary>
    public async IAsyncEnumerable<(string Name, long Revision, string? Value)> WatchAsync(string name, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var create = new WatchCreateRequest { Key = KeyText.Bytes(prefix + name), RangeEnd = name.Length == 0 ? KeyText.EndOfPrefix(prefix) : ByteString.Empty };
        await foreach (var response in client.WatchAsync(create, cancel).ConfigureAwait(false))
        {
            foreach (var change in response.Events)
                yield return (change.Kv.Key.ToStringUtf8()[prefix.Length..], change.Kv.ModRevision, change.Type == Event.Types.EventType.Put ? change.Kv.Value.ToStringUtf8() : null);
            if (response.Canceled) throw new RpcException(new Status(StatusCode.OutOfRange, $"the watch ended: {response.CancelReason}"));
        }
    }

    private static KeyVersionText Text(KeyValue pair) => new(pair.ModRevision, pair.Version, pair.Value.ToStringUtf8());

    private async Task<KeyVersionText?> AtAsync(string name, long revision, CancellationToken cancel)
    {
        try
        {
            var found = await client.RangeAsync(new RangeRequest { Key = KeyText.Bytes(prefix + name), Revision = revision }, cancel).ConfigureAwait(false);
            return found.Kvs.Count > 0 ? Text(found.Kvs[0]) : null;
        }
        catch (RpcException past) when (past.StatusCode == StatusCode.OutOfRange)
        {
            return null; // Compacted: the history ends here.
        }
    }
}
