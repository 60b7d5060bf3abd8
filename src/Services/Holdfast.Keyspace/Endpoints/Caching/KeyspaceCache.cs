using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Holdfast.Cluster;
using Holdfast.Keyspace.Endpoints.Transfers;

namespace Holdfast.Keyspace.Endpoints.Caching;

/// <summary>
/// The shared cache in the keyspace, over the Redis port: what one program keeps, all find. Each space has a number, drawn by chance, that stands before its values; forgetting the space draws another, and so does a
/// keyspace that evicted the number: a value under a number that is gone never comes back. Bounded by times to live and by what the keyspace evicts. Away or refused, it finds nothing and keeps nothing, and is left
/// alone for a while; only forgetting fails aloud. From any thread, one call at a time.
/// </summary>
/// <param name="endpoints">Nodes to ask, the first that answers.</param>
/// <param name="signIn">A user and his password, where the port wants one.</param>
public sealed class KeyspaceCache(IReadOnlyList<(string Host, int Port)> endpoints, (string User, string Password)? signIn = null) : ISharedCache, IDisposable
{
    private const string Prefix = "holdfast:cache:";
    private const int NumberBytes = 8;

    /// <summary>Larger values are not kept.</summary>
    private const int ValueBytesMax = 8 * 1024 * 1024;

    /// <summary>A slot's leader may have changed once while it was asked; whoever changes more often is away.</summary>
    private const int TriesMax = 2;

    /// <summary>A cache that is slower than that is of no use.</summary>
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(2);

    /// <summary>How long a cache that failed is not asked: many texts would wait for it one after another.</summary>
    private static readonly TimeSpan AloneAfterFault = TimeSpan.FromSeconds(5);

    private readonly ClusterLinks links = new(endpoints, signIn);
    private readonly SemaphoreSlim turn = new(1);
    private bool hasLooked;
    private long faultAt = long.MinValue / 2;

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel = default)
    {
        if (IsLeftAlone) return null;
        try
        {
            if (await AskAsync(NameOf(space, key), cancel, static name => ["GET"u8.ToArray(), name]).ConfigureAwait(false) is not byte[] { Length: >= NumberBytes } kept) return null;
            if (await NumberAsync(space, cancel).ConfigureAwait(false) is not { } number || BinaryPrimitives.ReadInt64LittleEndian(kept) != number) return null;
            return kept.AsMemory(NumberBytes);
        }
        catch (Exception away) when (away is TransferFailedException or ConnectionGoneException)
        {
            faultAt = Environment.TickCount64;
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<bool> SetAsync(string space, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, TimeSpan timeToLive, CancellationToken cancel = default)
    {
        if (IsLeftAlone) return false;
        try
        {
            var name = NameOf(space, key);
            if (value.Length > ValueBytesMax || timeToLive < TimeSpan.FromMilliseconds(1))
            {
                await AskAsync(name, cancel, static name => ["DEL"u8.ToArray(), name]).ConfigureAwait(false);
                return false;
            }

            var kept = new byte[NumberBytes + value.Length];
            if (await NumberAsync(space, cancel).ConfigureAwait(false) is not { } number)
            {
                await AskAsync(NumberNameOf(space), cancel, static name => ["SET"u8.ToArray(), name, RespConnection.Word(Random.Shared.NextInt64()), "NX"u8.ToArray()]).ConfigureAwait(false);
                if (await NumberAsync(space, cancel).ConfigureAwait(false) is not { } drawn) return false;
                number = drawn;
            }

            BinaryPrimitives.WriteInt64LittleEndian(kept, number);
            value.CopyTo(kept.AsMemory(NumberBytes));
            await AskAsync(name, cancel, name => ["SET"u8.ToArray(), name, kept, "PX"u8.ToArray(), RespConnection.Word((long)timeToLive.TotalMilliseconds)]).ConfigureAwait(false);
            return true;
        }
        catch (Exception away) when (away is TransferFailedException or ConnectionGoneException)
        {
            faultAt = Environment.TickCount64;
            return false;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The keyspace is away: whether it is forgotten is not known.</exception>
    /// <exception cref="TransferFailedException">The keyspace refuses.</exception>
    public async ValueTask InvalidateAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel = default) =>
        await AskAsync(NameOf(space, key), cancel, static name => ["DEL"u8.ToArray(), name]).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <exception cref="IOException">The keyspace is away: whether it is forgotten is not known.</exception>
    /// <exception cref="TransferFailedException">The keyspace refuses.</exception>
    public async ValueTask InvalidateSpaceAsync(string space, CancellationToken cancel = default) =>
        await AskAsync(NumberNameOf(space), cancel, static name => ["SET"u8.ToArray(), name, RespConnection.Word(Random.Shared.NextInt64())]).ConfigureAwait(false);

    /// <inheritdoc/>
    public void Dispose()
    {
        links.Dispose();
        turn.Dispose();
    }

    private bool IsLeftAlone => Environment.TickCount64 - faultAt < AloneAfterFault.TotalMilliseconds;

    private static byte[] NameOf(string space, ReadOnlyMemory<byte> key) => Encoding.UTF8.GetBytes($"{Prefix}{space}:{Convert.ToHexStringLower(key.Span)}");

    private static byte[] NumberNameOf(string space) => Encoding.UTF8.GetBytes($"{Prefix}{space}#number");

    private async Task<long?> NumberAsync(string space, CancellationToken cancel) =>
        await AskAsync(NumberNameOf(space), cancel, static name => ["GET"u8.ToArray(), name]).ConfigureAwait(false) is byte[] said && long.TryParse(said, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Asks the leader of a key's slot; where it leads no more, looks who does and asks again.</summary>
    private async Task<object?> AskAsync(byte[] name, CancellationToken cancel, Func<byte[], byte[][]> command)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(CallMax);
        try
        {
            await turn.WaitAsync(late.Token).ConfigureAwait(false);
            try
            {
                return await AskInTurnAsync(name, command, late.Token).ConfigureAwait(false);
            }
            finally
            {
                turn.Release();
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new ConnectionGoneException($"the keyspace does not answer within {CallMax.TotalSeconds:0} s");
        }
    }

    private async Task<object?> AskInTurnAsync(byte[] name, Func<byte[], byte[][]> command, CancellationToken cancel)
    {
        for (var tries = 1; ; tries++)
        {
            if (!hasLooked) await links.LookAsync(cancel).ConfigureAwait(false);
            hasLooked = true;
            var leader = links.LeaderOf(KeySlot.Of(name));
            try
            {
                var link = await links.ToAsync(leader, cancel).ConfigureAwait(false);
                var reply = await link.AskAsync(cancel, command(name)).ConfigureAwait(false);
                if (reply is not RespError refused) return reply;
                if (tries == TriesMax || !refused.Is("MOVED")) throw new TransferFailedException(refused.Text);
            }
            catch (Exception broken) when (broken is ConnectionGoneException or OperationCanceledException)
            {
                // A reply that nobody read would be taken for the next one.
                links.Forget(leader);
                if (tries == TriesMax || broken is OperationCanceledException) throw;
            }

            hasLooked = false;
        }
    }
}
