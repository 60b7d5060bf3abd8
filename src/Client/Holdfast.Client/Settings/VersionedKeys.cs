using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>One value that a key had.</summary>
/// <param name="Revision">The revision that wrote it.</param>
/// <param name="Version">How many times the key was written since it was created, this one included.</param>
/// <param name="Value">The value.</param>
/// <param name="Change">Who wrote it and when; null outside a history, and for what was written by other means than this library.</param>
public sealed record KeyVersionText(long Revision, long Version, string Value, ChangeNote? Change = null);

/// <summary>
/// Keys under a prefix whose past counts: configuration and feature flags (R1.5). Everybody sees the same changes in the same order, and history is what MVCC keeps until it is compacted. Every write leaves, in the
/// same transaction, a <see cref="ChangeNote"/> at a key beside: <c>/changes/config/NAME</c> for <c>/config/NAME</c>. A role that may write one needs to write the other.
/// </summary>
public sealed class VersionedKeys
{
    private readonly HoldfastClient client;
    private readonly string prefix;
    private readonly string notes;

    internal VersionedKeys(HoldfastClient client, string prefix) => (this.client, this.prefix, notes) = (client, prefix, "/changes" + prefix);

    /// <summary>The value now; null when there is none.</summary>
    public async Task<KeyVersionText?> GetAsync(string name, CancellationToken cancel = default) => await client.GetAsync(prefix + name, cancel).ConfigureAwait(false) is { } pair ? Text(pair) : null;

    /// <summary>All names and values now, by name.</summary>
    public async Task<IReadOnlyList<(string Name, KeyVersionText Value)>> ListAsync(CancellationToken cancel = default) =>
        [.. (await client.GetPrefixAsync(prefix, cancel).ConfigureAwait(false)).Kvs.Select(pair => (pair.Key.ToStringUtf8()[prefix.Length..], Text(pair)))];

    /// <summary>Writes a value; the revision is its name in the history.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have been written.</exception>
    public async Task<long> SetAsync(string name, string value, CancellationToken cancel = default) =>
        (await client.TxnAsync(new TxnRequest { Success = { Writes(name, value) } }, cancel).ConfigureAwait(false)).Header.Revision;

    /// <summary>The values that a key had since it was created, newest first, as far back as nothing is compacted and at most so many; each with who wrote it and when, where that was noted and may be read.</summary>
    public async IAsyncEnumerable<KeyVersionText> HistoryAsync(string name, int countMax, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var newest = await GetAsync(name, cancel).ConfigureAwait(false);
        for (var (at, count) = (newest, 1); at is not null; count++)
        {
            yield return at with { Change = await ChangeAsync(name, at.Revision, cancel).ConfigureAwait(false) };
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
            Success = { Writes(name, value) },
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

    /// <summary>The value, and beside it who writes it and when.</summary>
    private RequestOp[] Writes(string name, string value) =>
    [
        new() { RequestPut = new PutRequest { Key = KeyText.Bytes(prefix + name), Value = ByteString.CopyFromUtf8(value) } },
        new() { RequestPut = new PutRequest { Key = KeyText.Bytes(notes + name), Value = ByteString.CopyFromUtf8(new ChangeNote(client.Author, DateTimeOffset.UtcNow).ToJson()) } },
    ];

    /// <summary>The note that was written at a value's revision; an older one is of another value, whose successor somebody wrote without a note.</summary>
    private async Task<ChangeNote?> ChangeAsync(string name, long revision, CancellationToken cancel)
    {
        try
        {
            var found = await client.RangeAsync(new RangeRequest { Key = KeyText.Bytes(notes + name), Revision = revision }, cancel).ConfigureAwait(false);
            return found.Kvs.Count > 0 && found.Kvs[0].ModRevision == revision ? ChangeNote.TryParse(found.Kvs[0].Value.ToStringUtf8()) : null;
        }
        catch (RpcException hidden) when (hidden.StatusCode is StatusCode.OutOfRange or StatusCode.PermissionDenied)
        {
            return null; // Compacted just now, or not for this user to read.
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
