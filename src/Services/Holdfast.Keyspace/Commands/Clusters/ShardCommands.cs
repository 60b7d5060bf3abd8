using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Commands that stand in effects only: what a shard's log says about the shard itself.</summary>
internal sealed class ShardCommands : ICommandFamily
{
    /// <summary>The name of the first claim.</summary>
    public static ReadOnlySpan<byte> ClaimName => "hf.claim"u8;

    public void Bind(CommandTable table) => table.AddInternal("hf.claim", Claim);

    /// <summary>hf.claim SEED FIRST LAST …: the slots that the directory's layout gave to this shard, and the seed of its hash. Once.</summary>
    private static void Claim(CommandCall call)
    {
        var ranges = new (int, int)[(call.Count - 2) / 2];
        for (var i = 0; i < ranges.Length; i++)
        {
            if (!RespNumber.TryParse(call[2 + (2 * i)], out long first) || !RespNumber.TryParse(call[3 + (2 * i)], out long last)) return;
            if (first < 0 || last >= KeySlot.Count || first > last) return;
            ranges[i] = ((int)first, (int)last);
        }

        if (!RespNumber.TryParse(call[1], out long seed) || !call.Shard.State.Slots.TryClaim(ranges)) return;
        call.Keyspace.Seed = (ulong)seed;
        call.CountChanges(1);
    }
}
