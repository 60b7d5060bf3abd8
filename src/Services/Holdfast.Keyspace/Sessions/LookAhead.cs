using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Has the processor fetch what the next commands of a turn will look at, several keys at a time, while their bytes are known already: one after the other each would wait for its slot's table, for a place in it and for its
/// record (<c>bench/peers/redis.sh one</c>, 16 at a time). It is a hint and changes nothing.
/// </summary>
internal sealed class LookAhead
{
    /// <summary>Keys that are fetched together: about as many lines as a processor fetches at a time.</summary>
    public const int KeysMax = 16;

    private readonly int[] slots = new int[KeysMax];
    private readonly uint[] hashes = new uint[KeysMax];
    private int count;

    /// <summary>The commands that a client has sent behind its present one. Returns how many were looked at.</summary>
    public int Over(InputBuffer input, Keyspace keyspace)
    {
        var behind = input.Behind;
        for (var at = 0; count < KeysMax && RespGlance.TryPass(behind, ref at, out var word, out var length);)
            if (length > 0) Add(behind.Slice(word, length), keyspace);
        return Fetch(keyspace);
    }

    /// <summary>The present commands of some clients, from one on.</summary>
    public void Over(List<ClientSession> clients, int from, Keyspace keyspace)
    {
        for (var i = from; i < clients.Count && i < from + KeysMax; i++)
            if (clients[i] is { HasRequest: true, Input.Request: { Count: > 1 } request }) Add(request[1], keyspace);
        Fetch(keyspace);
    }

    private void Add(ReadOnlySpan<byte> key, Keyspace keyspace)
    {
        slots[count] = KeySlot.Of(key);
        hashes[count++] = KeyHash.Of(key, keyspace.Seed);
    }

    private int Fetch(Keyspace keyspace)
    {
        var looked = count;
        if (looked > 1) keyspace.Fetch(slots.AsSpan(0, looked), hashes.AsSpan(0, looked));
        count = 0;
        return looked;
    }
}
