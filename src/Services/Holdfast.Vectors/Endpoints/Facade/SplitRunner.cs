using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A mistake of a driver that tests plant, one per run, and must find.</summary>
internal enum PlantedSplitBug : byte
{
    /// <summary>The driver as it is.</summary>
    None = 0,

    /// <summary>What changed between the copy and the seal is not copied.</summary>
    ForgetsTheRest,

    /// <summary>The directory says who has what before the source has let go.</summary>
    DividesTooSoon,

    /// <summary>What the target says is newer than what the source says.</summary>
    AsksTheSourceFirst,

    /// <summary>The target does not learn under which locks the source was written.</summary>
    ForgetsTheFences,
}

/// <summary>
/// Drives the split of one shard to its end, on the node that leads the directory; another that leads next goes on. Two at once do no harm: every entry says on which seal it rests. While the half is copied it
/// takes at most every other moment; writes of it wait only while the last changes are copied.
/// </summary>
internal sealed class SplitRunner(ICollections collections, PlantedSplitBug bug = PlantedSplitBug.None, TimeProvider? clock = null)
{
    private const int PointsPerPage = 256;

    /// <summary>The copy is repeated until so few points changed meanwhile, or so often.</summary>
    private const int RestMax = 512;

    private const int RoundsMax = 6;

    private readonly TimeProvider clock = clock ?? TimeProvider.System;
    private LogIndex copiedTo;

    /// <summary>Goes on until there is no split any more.</summary>
    /// <exception cref="VectorFault">A shard or the directory cannot be reached just now: to be tried again.</exception>
    public async Task RunAsync(CollectionRecord begun, Func<bool> mayGoOn, CancellationToken cancel)
    {
        while (mayGoOn())
        {
            await collections.CatchUpAsync(cancel).ConfigureAwait(false);
            if (await collections.FindAsync(begun.Name, cancel).ConfigureAwait(false) is not { Layout.Split: { } split } record || record.Id != begun.Id || split != begun.Layout.Split) return;
            var (source, target) = (await collections.ShardAsync(record, split.Source, cancel).ConfigureAwait(false), await collections.ShardAsync(record, split.Target, cancel).ConfigureAwait(false));
            var part = record.Layout.PartOf(split.Source);

            // The target first: what it adopted was sealed before, so what the source says afterwards of that seal is the last word.
            var (to, from) = (await AskAsync(target, null, cancel).ConfigureAwait(false), await AskAsync(source, null, cancel).ConfigureAwait(false));
            if (bug == PlantedSplitBug.AsksTheSourceFirst) to = await AskAsync(target, null, cancel).ConfigureAwait(false);
            var step = SplitPlan.Next(part, from.Hold, to.Hold, copiedTo.Value != 0);
            if (bug == PlantedSplitBug.DividesTooSoon && step == SplitStep.Release) step = SplitStep.Divide;
            switch (step)
            {
                case SplitStep.Expect:
                    await CopySettingsAsync(record, source, target, cancel).ConfigureAwait(false);
                    await target.ProposeAsync(SplitCommand.Expect(part.Going, default), cancel).ConfigureAwait(false);
                    break;
                case SplitStep.ExpectAgain:
                    copiedTo = default;
                    await target.ProposeAsync(SplitCommand.Expect(part.Going, to.Hold.AdoptedAt), cancel).ConfigureAwait(false);
                    break;
                case SplitStep.Copy:
                    await CopyAllAsync(record, source, target, part.Going, mayGoOn, cancel).ConfigureAwait(false);
                    break;
                case SplitStep.Seal:
                    await source.ProposeAsync(SplitCommand.Seal(part.Going), cancel).ConfigureAwait(false);
                    break;
                case SplitStep.Unseal:
                    await source.ProposeAsync(SplitCommand.Unseal(from.Hold.SealedAt), cancel).ConfigureAwait(false);
                    break;
                case SplitStep.Adopt:
                    await AdoptAsync(record, source, target, part.Going, from.Hold.SealedAt, cancel).ConfigureAwait(false);
                    break;
                case SplitStep.Release:
                    if (from.Settings != to.Settings) await CopySettingsAsync(record, source, target, cancel).ConfigureAwait(false);
                    else await source.ProposeAsync(SplitCommand.Release(from.Hold.SealedAt, to.Settings), cancel).ConfigureAwait(false);
                    break;
                case SplitStep.GiveUp:
                    await collections.UpdateAsync(record, record.Config, record.Layout.Unsplit(), cancel).ConfigureAwait(false);
                    break;
                case SplitStep.Divide:
                    await collections.UpdateAsync(record, record.Config, record.Layout.Divided(), cancel).ConfigureAwait(false);
                    break;
                default:
                    throw VectorFault.Unavailable($"the split of shard {split.Source} of collection {record.Name} cannot go on");
            }
        }
    }

    /// <summary>Gives a split up, if it still can be; false when it cannot. The target decides: one that adopts no more has the source unsealed and the layout as it was, by whoever drives.</summary>
    public static async Task<bool> GiveUpAsync(ICollections collections, CollectionRecord record, CancellationToken cancel)
    {
        var target = await collections.ShardAsync(record, record.Layout.Split!.Target, cancel).ConfigureAwait(false);
        try
        {
            await target.ProposeAsync(SplitCommand.Abandon(), cancel).ConfigureAwait(false);
        }
        catch (VectorFault fault) when (fault.Status == 400)
        {
            return false;
        }

        return true;
    }

    private static async Task<SplitAnswer> AskAsync(IShard shard, HashPart? counted, CancellationToken cancel) =>
        SplitAnswer.Read(await shard.AskAsync(new SplitQuestion(counted), ReadDemand.Strong, cancel).ConfigureAwait(false));

    /// <summary>
    /// The target gets the source's payload indexes, and the collection's configuration. The target is asked first: whoever makes an index tells the source first, so what the target has and the source has not, asked
    /// later, was deleted; a driver whose time is over takes nothing from a target that is in use already.
    /// </summary>
    private static async Task CopySettingsAsync(CollectionRecord record, IShard source, IShard target, CancellationToken cancel)
    {
        var there = (await target.AskAsync(new FactsQuestion(), ReadDemand.Strong, cancel).ConfigureAwait(false)).Facts?.Indexes ?? [];
        var wanted = (await source.AskAsync(new FactsQuestion(), ReadDemand.Strong, cancel).ConfigureAwait(false)).Facts?.Indexes ?? [];
        await target.ProposeAsync(ShardCommand.Configure(record.Config.Json), cancel).ConfigureAwait(false);
        await source.ProposeAsync(ShardCommand.Configure(record.Config.Json), cancel).ConfigureAwait(false);
        foreach (var (key, schema) in wanted.Except(there)) await target.ProposeAsync(ShardCommand.CreateIndex(key, schema), cancel).ConfigureAwait(false);
        foreach (var (key, _) in there.ExceptBy(wanted.Select(each => each.Key), each => each.Key)) await target.ProposeAsync(ShardCommand.DeleteIndex(key), cancel).ConfigureAwait(false);
    }

    private async Task CopyAllAsync(CollectionRecord record, IShard source, IShard target, HashPart going, Func<bool> mayGoOn, CancellationToken cancel)
    {
        var to = default(LogIndex);
        for (var round = 0; round < RoundsMax && mayGoOn(); round++)
        {
            var (copied, end) = await CopyAsync(record, source, target, going, to, isGentle: true, cancel).ConfigureAwait(false);
            to = end;
            if (round > 0 && copied <= RestMax) break;
        }

        await DropGoneAsync(source, target, going, cancel).ConfigureAwait(false);
        copiedTo = to;
    }

    /// <summary>Copies what was written after an entry: how many points, and up to which entry all is copied then.</summary>
    private async Task<(int Copied, LogIndex To)> CopyAsync(CollectionRecord record, IShard source, IShard target, HashPart going, LogIndex after, bool isGentle, CancellationToken cancel)
    {
        var (copied, to) = (0, default(LogIndex));
        for (PointId? from = null; ;)
        {
            var begun = clock.GetTimestamp();
            var page = await source.AskAsync(new PartQuestion(going, after, from, PointsPerPage) { Wanted = ContentWanted.Everything }, ReadDemand.Strong, cancel).ConfigureAwait(false);
            if (to.Value == 0) to = new LogIndex(Math.Max(1, page.Applied));
            foreach (var chunk in VectorFace.Commands(page.Points.Select(point => new PointWrite(point.Id, point.Payload, [.. point.Vectors]))))
                await target.ProposeAsync(SplitCommand.Stage(chunk, record.Config.ColumnOf), cancel).ConfigureAwait(false);
            copied += page.Points.Count;
            if (page.Next is null) return (copied, to);
            from = page.Next;
            if (isGentle && page.Points.Count > 0) await Task.Delay(clock.GetElapsedTime(begun), clock, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Points that the target has and the source has not any more go.</summary>
    private static async Task DropGoneAsync(IShard source, IShard target, HashPart going, CancellationToken cancel)
    {
        var alive = await NamesAsync(source, going, cancel).ConfigureAwait(false);
        var staged = await NamesAsync(target, going, cancel).ConfigureAwait(false);
        foreach (var gone in staged.Where(id => !alive.Contains(id)).Chunk(CollectionLimits.PointsPerCommandMax)) await target.ProposeAsync(SplitCommand.Unstage(gone), cancel).ConfigureAwait(false);
    }

    private static async Task<HashSet<PointId>> NamesAsync(IShard shard, HashPart going, CancellationToken cancel)
    {
        var names = new HashSet<PointId>();
        for (PointId? from = null; ;)
        {
            var page = await shard.AskAsync(new PartQuestion(going, default, from, int.MaxValue), ReadDemand.Strong, cancel).ConfigureAwait(false);
            foreach (var point in page.Points) names.Add(point.Id);
            if (page.Next is null) return names;
            from = page.Next;
        }
    }

    /// <summary>The source is sealed: what is the same now stays the same.</summary>
    private async Task AdoptAsync(CollectionRecord record, IShard source, IShard target, HashPart going, LogIndex sealedAt, CancellationToken cancel)
    {
        if (bug != PlantedSplitBug.ForgetsTheRest) await CopyAsync(record, source, target, going, copiedTo, isGentle: false, cancel).ConfigureAwait(false);
        var (whole, staged) = (await AskAsync(source, going, cancel).ConfigureAwait(false), await AskAsync(target, going, cancel).ConfigureAwait(false));
        if (whole.Hold.SealedAt != sealedAt) return;
        if (bug != PlantedSplitBug.ForgetsTheRest && (whole.Points, whole.Hash) != (staged.Points, staged.Hash)) await DropGoneAsync(source, target, going, cancel).ConfigureAwait(false);
        try
        {
            if (whole.Fences.Length > 0 && bug != PlantedSplitBug.ForgetsTheFences) await target.ProposeAsync(SplitCommand.Fences(Convert.FromBase64String(whole.Fences)), cancel).ConfigureAwait(false);
            await target.ProposeAsync(SplitCommand.Adopt(sealedAt, whole.Points, whole.Hash), cancel).ConfigureAwait(false);
        }
        catch (VectorFault fault) when (fault.Status == 400)
        {
            copiedTo = default; // It is not the same: the source takes writes again, and all is copied anew.
        }
    }
}
