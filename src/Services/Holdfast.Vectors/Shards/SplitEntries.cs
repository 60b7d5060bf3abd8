using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>Executes the entries of a split that do not write points: what they make of a shard's hold. Pure, but for the points that a release deletes.</summary>
internal readonly ref struct SplitEntries(ShardState state, LogIndex index, ulong settings, PlantedShardBug bug)
{
    private readonly ShardState state = state;

    /// <summary>Executes one, or a slice of it; true when it is done.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="reader">Its fields.</param>
    /// <param name="walk">How far it is.</param>
    /// <param name="most">Points that one slice may look at.</param>
    /// <param name="hold">The hold afterwards.</param>
    public bool Execute(ShardCommandKind kind, ref SpanReader reader, EntryWalk walk, int most, out ShardHold hold)
    {
        hold = state.Hold;
        switch (kind)
        {
            case ShardCommandKind.Expect: return Expect(ref reader, walk, ref hold);
            case ShardCommandKind.Seal: return Seal(ref reader, walk, ref hold);
            case ShardCommandKind.Unseal:
                var unsealed = new LogIndex(reader.ReadUInt64());
                if (!reader.IsWhole) return walk.Refuse("the entry is not whole");
                if (!hold.IsSealed || hold.SealedAt != unsealed) return walk.Refuse("the shard is not sealed by that entry");
                hold = hold with { SealedAt = default, Leaving = default };
                return walk.Done(1);
            case ShardCommandKind.Adopt: return Adopt(ref reader, walk, ref hold);
            default: return Release(ref reader, walk, most, ref hold);
        }
    }

    private bool Expect(ref SpanReader reader, EntryWalk walk, ref ShardHold hold)
    {
        var (part, undoing) = (ShardHold.ReadPart(ref reader), new LogIndex(reader.ReadUInt64()));
        if (!reader.IsWhole) return walk.Refuse("the entry is not whole");
        if (hold.IsExpecting && hold.Part == part) return walk.Done(0);
        if (undoing.Value != 0 && hold == new ShardHold { Part = part, AdoptedAt = undoing })
        {
            hold = new ShardHold { Part = part, IsExpecting = true };
            return walk.Done(1);
        }

        if (!hold.IsWhole || state.Store.Count > 0) return walk.Refuse("the shard has points or a part already: it is no target of a split");
        hold = new ShardHold { Part = part, IsExpecting = true };
        return walk.Done(1);
    }

    private bool Seal(ref SpanReader reader, EntryWalk walk, ref ShardHold hold)
    {
        var leaving = ShardHold.ReadPart(ref reader);
        if (!reader.IsWhole) return walk.Refuse("the entry is not whole");
        if (hold.IsSealed) return hold.Leaving == leaving ? walk.Done(0) : walk.Refuse("another half of the shard is sealed");
        if (hold.IsExpecting || leaving != hold.Part.Going || leaving.Depth > HashPart.DepthMax) return walk.Refuse("the shard does not have what is to be sealed");
        hold = hold with { Leaving = leaving, SealedAt = index };
        return walk.Done(1);
    }

    private bool Adopt(ref SpanReader reader, EntryWalk walk, ref ShardHold hold)
    {
        var (sealedAt, points, hash) = (new LogIndex(reader.ReadUInt64()), (long)reader.ReadUInt64(), reader.ReadUInt64());
        if (!reader.IsWhole) return walk.Refuse("the entry is not whole");
        if (hold.AdoptedAt == sealedAt) return walk.Done(0);
        if (sealedAt == ShardHold.Abandoned && (hold.IsExpecting || hold.IsWhole))
        {
            hold = new ShardHold { Part = hold.Part, AdoptedAt = sealedAt };
            return walk.Done(1);
        }

        if (!hold.IsExpecting) return walk.Refuse("the shard expects nothing");
        if (bug != PlantedShardBug.AdoptsUnseen && (state.Store.Count != points || state.Store.Hash != hash)) return walk.Refuse("what was staged is not what was sealed");
        hold = new ShardHold { Part = hold.Part, AdoptedAt = sealedAt };
        return walk.Done(1);
    }

    /// <summary>
    /// The part is narrower from the first slice on, so that nobody who asks for the old one is answered from what is left of it; then the ids are walked in slices.
    /// </summary>
    private bool Release(ref SpanReader reader, EntryWalk walk, int most, ref ShardHold hold)
    {
        var (sealedAt, known) = (new LogIndex(reader.ReadUInt64()), reader.ReadUInt64());
        if (!reader.IsWhole) return walk.Refuse("the entry is not whole");
        if (walk.Next is null)
        {
            if (!hold.IsSealed && hold.ReleasedAt == sealedAt) return walk.Done(0);
            if (!hold.IsSealed || (hold.SealedAt != sealedAt && bug != PlantedShardBug.ReleasesAnySeal)) return walk.Refuse("the shard is not sealed by that entry");
            if (settings != known) return walk.Refuse("the shard's configuration or indexes are not those of the target");
            hold = new ShardHold { Part = hold.Part.Staying, AdoptedAt = hold.AdoptedAt, ReleasedAt = sealedAt };
        }

        var page = state.Store.Ids.From(walk.Next, most + 1);
        for (var at = 0; at < Math.Min(most, page.Count); at++)
            if (!hold.Part.Has(page[at].Key) && state.Store.Delete(page[at].Key, index)) walk.Changed++;
        if (page.Count > most)
        {
            walk.Next = page[most].Key;
            return false;
        }

        return walk.Done(0);
    }
}
