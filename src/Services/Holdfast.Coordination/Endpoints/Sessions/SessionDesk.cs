using System.Globalization;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Sessions;

namespace Holdfast.Coordination.Endpoints.Sessions;

/// <summary>Whether a key was taken.</summary>
/// <param name="IsHeld">The session has it.</param>
/// <param name="Fence">Then: the fencing token.</param>
/// <param name="SessionIsGone">Not taken because there is no such session.</param>
internal readonly record struct Acquisition(bool IsHeld, long Fence, bool SessionIsGone);

/// <summary>A key as it is now.</summary>
/// <param name="Pair">The key; null when it is not there.</param>
/// <param name="Lock">Who holds it; null when nobody does.</param>
/// <param name="Flag">The record of its flags; null when there is none.</param>
/// <param name="Revision">When that was.</param>
internal readonly record struct LockedKey(KeyValue? Pair, KeyValue? Lock, KeyValue? Flag, long Revision)
{
    /// <summary>Its flags; 0 when none were written since the key is there.</summary>
    public ulong Flags => Flag is { } flag && Pair is { } pair && flag.ModRevision >= pair.CreateRevision && ulong.TryParse(flag.Value.Span, NumberStyles.None, CultureInfo.InvariantCulture, out var flags) ? flags : 0;
}

/// <summary>Keys that begin alike, as they are now, in their order.</summary>
/// <param name="Keys">Each with who holds it.</param>
/// <param name="IsWhole">False when there are more than may be shown at once.</param>
/// <param name="Revision">When that was.</param>
internal readonly record struct LockedKeys(IReadOnlyList<LockedKey> Keys, bool IsWhole, long Revision);

/// <summary>Sessions (R1.6) over the keyspace, in a caller's name: <see cref="SessionSteps"/> in their order, and what they answered.</summary>
/// <param name="coordination">The keyspace.</param>
/// <param name="names">Where names of sessions come from; null for the system's.</param>
/// <param name="bug">A planted mistake.</param>
internal sealed class SessionDesk(ICoordination coordination, Func<string>? names = null, PlantedSessionBug bug = PlantedSessionBug.None)
{
    /// <summary>Sessions in one list.</summary>
    private const int SessionsMax = 10_000;

    /// <summary>
    /// Begins a session. The leases come before the record: what is left of an attempt that failed ends by itself. The session's own comes first, so that the delay's ends later by the lock delay, and not by what
    /// is left of it after a slow call.
    /// </summary>
    public async ValueTask<SessionRecord> CreateAsync(SessionWish wish, CancellationToken cancel)
    {
        var lease = await GrantAsync(wish.TtlSeconds, cancel).ConfigureAwait(false);
        var delayLease = wish.LockDelaySeconds == 0 ? 0 : await GrantAsync(wish.TtlSeconds + (bug == PlantedSessionBug.SessionDelayEndsWithIt ? 0 : wish.LockDelaySeconds), cancel).ConfigureAwait(false);
        var session = new SessionRecord(names?.Invoke() ?? Guid.NewGuid().ToString(), wish.Name, wish.Behavior, wish.TtlSeconds, wish.LockDelaySeconds, lease, delayLease);
        await coordination.PutAsync(new PutRequest { Key = SessionKeys.Record(session.Id), Value = session.ToBytes(), Lease = lease }, cancel).ConfigureAwait(false);
        return session;
    }

    /// <summary>A session, and the revision that made it; null when there is none.</summary>
    public async ValueTask<(SessionRecord Session, long Revision)?> FindAsync(string id, CancellationToken cancel)
    {
        var found = (await coordination.RangeAsync(new RangeRequest { Key = SessionKeys.Record(id) }, cancel).ConfigureAwait(false)).Kvs;
        return found.Count > 0 && SessionRecord.TryParse(found[0].Value.Span) is { } session ? (session, found[0].CreateRevision) : null;
    }

    /// <summary>The sessions that live, by id.</summary>
    public async ValueTask<IReadOnlyList<(SessionRecord Session, long Revision)>> ListAsync(CancellationToken cancel)
    {
        var request = new RangeRequest { Key = SessionKeys.Bytes(SessionKeys.Records), RangeEnd = SessionKeys.Bytes(SessionKeys.Records[..^1] + (char)('/' + 1)), Limit = SessionsMax };
        var found = await coordination.RangeAsync(request, cancel).ConfigureAwait(false);
        return [.. from pair in found.Kvs let session = SessionRecord.TryParse(pair.Value.Span) where session is not null select (session, pair.CreateRevision)];
    }

    /// <summary>
    /// Renews a session for its full time; null when it is gone. The delay's lease before it, so that the delay never ends first, whatever breaks this off; and after it, so that however long the call in between
    /// took the delay is as long as was asked for.
    /// </summary>
    public async ValueTask<(SessionRecord Session, long Revision)?> RenewAsync(string id, CancellationToken cancel)
    {
        if (await FindAsync(id, cancel).ConfigureAwait(false) is not { } found) return null;
        await KeepDelayAsync(found.Session, cancel).ConfigureAwait(false);
        var kept = await coordination.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = found.Session.Lease }, cancel).ConfigureAwait(false);
        if (kept.TTL <= 0) return null;
        await KeepDelayAsync(found.Session, cancel).ConfigureAwait(false);
        return found;
    }

    /// <summary>Takes a key for a session, at once or not at all.</summary>
    public async ValueTask<Acquisition> AcquireAsync(string id, string key, ByteString value, ulong flags, CancellationToken cancel)
    {
        if (await FindAsync(id, cancel).ConfigureAwait(false) is not { } found) return new Acquisition(false, 0, true);
        TxnResponse tried;
        try
        {
            tried = await coordination.TxnAsync(SessionSteps.Acquire(found.Session, key, value, flags, bug), cancel).ConfigureAwait(false);
        }
        catch (EtcdException gone) when (gone.Error == EtcdErrors.LeaseNotFound)
        {
            return new Acquisition(false, 0, true); // Its lease ended between the two.
        }

        if (tried.Succeeded) return new Acquisition(true, tried.Header.Revision, false);
        var inner = tried.Responses[0].ResponseTxn;
        return inner.Succeeded
            ? new Acquisition(true, inner.Responses[1].ResponseRange.Kvs[0].CreateRevision, false)
            : new Acquisition(false, 0, inner.Responses[0].ResponseRange.Kvs.Count == 0);
    }

    /// <summary>Gives a key back; false when the session did not have it.</summary>
    public async ValueTask<bool> ReleaseAsync(string id, string key, ByteString value, ulong flags, CancellationToken cancel) =>
        (await coordination.TxnAsync(SessionSteps.Release(id, key, value, flags), cancel).ConfigureAwait(false)).Succeeded;

    /// <summary>Writes a key, whoever holds it.</summary>
    public async ValueTask WriteAsync(string key, ByteString value, ulong flags, CancellationToken cancel) => await coordination.TxnAsync(SessionSteps.Write(key, value, flags), cancel).ConfigureAwait(false);

    /// <summary>Writes a key if it is as it was at a revision, or at 0 not there; whether it did.</summary>
    public async ValueTask<bool> WriteAtAsync(string key, ByteString value, ulong flags, long revision, CancellationToken cancel) =>
        (await coordination.TxnAsync(SessionSteps.WriteAt(key, value, flags, revision), cancel).ConfigureAwait(false)).Succeeded;

    /// <summary>Deletes a key if it is as it was at a revision; whether it is gone.</summary>
    public async ValueTask<bool> RemoveAtAsync(string key, long revision, CancellationToken cancel)
    {
        var tried = await coordination.TxnAsync(SessionSteps.RemoveAt(key, revision), cancel).ConfigureAwait(false);
        return tried.Succeeded || tried.Responses[0].ResponseRange.Kvs.Count == 0;
    }

    /// <summary>Deletes every key of a family, and with them whoever holds them.</summary>
    public async ValueTask RemoveAllAsync(KeyFamily family, CancellationToken cancel) => await coordination.TxnAsync(SessionSteps.RemoveAll(family), cancel).ConfigureAwait(false);

    /// <summary>Every key of a family and who holds it, at one revision.</summary>
    public async ValueTask<LockedKeys> LookAllAsync(KeyFamily family, int keysMax, bool withValues, CancellationToken cancel)
    {
        var seen = await coordination.TxnAsync(SessionSteps.LookAll(family, keysMax, withValues), cancel).ConfigureAwait(false);
        var found = seen.Responses.Take(family.Ranges.Count).Select(static range => range.ResponseRange).ToArray();
        var locks = seen.Responses[^2].ResponseRange.Kvs.ToDictionary(static held => held.Key);
        var flags = seen.Responses[^1].ResponseRange.Kvs.ToDictionary(static flag => flag.Key);
        var keys = found.SelectMany(static range => range.Kvs).Select(pair => new LockedKey(pair, Of(locks, SessionKeys.Lock, pair), Of(flags, SessionKeys.Flags, pair), seen.Header.Revision)).ToArray();
        return new LockedKeys(keys, keys.Length <= keysMax && !seen.Responses.Any(static range => range.ResponseRange.More), seen.Header.Revision);

        static KeyValue? Of(Dictionary<ByteString, KeyValue> records, Func<string, ByteString> nameOf, KeyValue pair) => records.Count == 0 ? null : records.GetValueOrDefault(nameOf(pair.Key.ToStringUtf8()));
    }

    /// <summary>Deletes a key, and with it whoever holds it.</summary>
    public async ValueTask RemoveAsync(string key, CancellationToken cancel) => await coordination.TxnAsync(SessionSteps.Remove(key), cancel).ConfigureAwait(false);

    /// <summary>A key, who holds it and its flags.</summary>
    public async ValueTask<LockedKey> LookAsync(string key, CancellationToken cancel)
    {
        var seen = await coordination.TxnAsync(SessionSteps.Look(key), cancel).ConfigureAwait(false);
        return new LockedKey(First(0), First(1), First(2), seen.Header.Revision);

        KeyValue? First(int at) => seen.Responses[at].ResponseRange.Kvs is { Count: > 0 } pairs ? pairs[0] : null;
    }

    /// <summary>
    /// Ends a session now: it takes nothing more; its locks go; for the lock delay from now nobody gets what it held. If this is broken off in the middle the rest is done by the leases, later. Ending one that is
    /// gone is success.
    /// </summary>
    public async ValueTask DestroyAsync(string id)
    {
        if (await FindAsync(id, CancellationToken.None).ConfigureAwait(false) is not { Session: var session }) return;
        await coordination.TxnAsync(SessionSteps.End(id)).ConfigureAwait(false);
        await RevokeAsync(session.Lease).ConfigureAwait(false);
        if (session.DelayLease == 0) return;
        var held = (await coordination.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = session.DelayLease, Keys = true }).ConfigureAwait(false)).Keys;
        if (held.Count > 0 && bug != PlantedSessionBug.SessionEndedWithoutDelay)
        {
            var delay = await GrantAsync(session.LockDelaySeconds, CancellationToken.None).ConfigureAwait(false);
            foreach (var key in held) await coordination.TxnAsync(SessionSteps.Postpone(id, key, delay)).ConfigureAwait(false);
        }

        await RevokeAsync(session.DelayLease).ConfigureAwait(false);
    }

    private async ValueTask KeepDelayAsync(SessionRecord session, CancellationToken cancel)
    {
        if (session.DelayLease != 0 && bug != PlantedSessionBug.SessionRenewedWithoutDelay) await coordination.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = session.DelayLease }, cancel).ConfigureAwait(false);
    }

    private async ValueTask<long> GrantAsync(long seconds, CancellationToken cancel) => (await coordination.LeaseGrantAsync(new LeaseGrantRequest { TTL = seconds }, cancel).ConfigureAwait(false)).ID;

    private async ValueTask RevokeAsync(long lease)
    {
        try
        {
            await coordination.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease }).ConfigureAwait(false);
        }
        catch (EtcdException gone) when (gone.Error == EtcdErrors.LeaseNotFound)
        {
            // It ended by itself meanwhile.
        }
    }
}
