using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// A command that looks at much, a slice a turn, so that nobody waits long for it. What comes of it is one state of the keys that it reads: it watches them, and a change of any begins it anew. Whoever is changed too often is
/// gone through in one go; so is what a transaction or a script asks for, and what is small. It is logged as it came, in the entry in which it ends, and a replica goes through it in slices too: its keys are there as they were here.
/// What a run makes outside the managed heap it discards when it is broken or given up: its keyspace may be gone afterwards.
/// For the shard's loop.
/// </summary>
internal abstract class SlicedRun : IKeyWatcher
{
    /// <summary>Elements of a slice: about two milliseconds. What has no more is done in one go.</summary>
    public const int SliceElements = 16 * 1024;

    /// <summary>How often it is begun in slices; afterwards it is done in one go.</summary>
    private const int AttemptsMax = 3;

    private static readonly Mark Sliced = new("keyspace: a command went on in another turn", elsewhere: "SlicedCommandTests: the simulated clients use registers and transactions only");
    private static readonly Mark BegunAnew = new("keyspace: what a command in slices was looking at changed, and it began anew", elsewhere: "SlicedCommandTests: the simulated clients use registers and transactions only");

    private readonly List<nint> records = [];
    private readonly List<byte[]> watched = [];
    private WatchTable? watches;
    private int firstKey;
    private int keys;
    private int attempts;
    private bool isLookedUp;
    private bool hasBegun;
    private bool isBroken;
    private bool needsKeys;

    /// <summary>Groups of a stream are copied with it.</summary>
    public bool WatchesAll => true;

    /// <summary>A key holds what this command does not take.</summary>
    public bool IsOfOtherKind { get; private set; }

    /// <summary>Whether it has gone on in another turn, or will.</summary>
    public bool IsSliced { get; private set; }

    /// <summary>How many keys it reads.</summary>
    protected int Keys => keys;

    /// <summary>What a key holds, without its name; good until the slice ends.</summary>
    protected unsafe KeyPlace PlaceOf(int key) => new(default, 0, 0, (byte*)records[key]);

    /// <summary>The run of this kind that the client's command has under way; null when it begins.</summary>
    public static TRun? Of<TRun>(CommandCall call)
        where TRun : SlicedRun => call.Gathering.Run as TRun;

    /// <summary>Whether a command may go on in another turn at all: not in a transaction, in a script, in the entry of whoever brought what it waited for, or when it reads on a replica. An effect may: nobody sees the state in the midst of an entry.</summary>
    public static bool MayRest(CommandCall call) => call is { IsReplay: true } or { Mode: CallMode.Execute, DeniesWaiting: false, IsServing: false, Client.Transaction.IsOpen: false };

    /// <summary>Looks its keys up, unless it has; false when one holds what the command does not take.</summary>
    public bool TryLookUp(CommandCall call)
    {
        isLookedUp = isLookedUp || TryLocate(call, isFirst: true);
        return isLookedUp;
    }

    /// <summary>Another slice, or all that is left; true when it has ended, and its result can be taken. False: the command is executed again, in another turn.</summary>
    public bool TryFinish(CommandCall call)
    {
        do
        {
            if (isBroken) BeginAnew();
            if (TryGoOn(call)) return Finish(call);
        }
        while (!IsSliced);
        Sliced.Hit();
        (call.Gathering.Run, call.Gathering.IsUnfinished) = (this, true);
        return false;
    }

    /// <summary>A key that it reads was changed, or is nobody's to say any more.</summary>
    public void OnChanged()
    {
        isBroken = true;
        Discard();
    }

    /// <summary>It is given up.</summary>
    public void End()
    {
        LetGo();
        Discard();
    }

    /// <summary>A new command, which reads keys that stand side by side.</summary>
    protected void Prepare(int firstKeyArgument, int keyCount) => (firstKey, keys, attempts, isLookedUp, hasBegun, isBroken, IsSliced) = (firstKeyArgument, keyCount, 0, false, false, false, false);

    /// <summary>Whether a key may hold this; <see cref="ValueKind.None"/> is asked too.</summary>
    protected abstract bool Takes(ValueKind kind);

    /// <summary>Begins, with nothing of an earlier attempt left; how many elements it will look at, about.</summary>
    protected abstract long Begin(CommandCall call);

    /// <summary>The next slice; true when there is no more.</summary>
    protected abstract bool GoOn(CommandCall call);

    /// <summary>Forgets what it has made so far. May be called twice.</summary>
    protected abstract void Discard();

    /// <summary>It needs the keys no more: changes of them mean nothing to it.</summary>
    protected void LetGo()
    {
        foreach (var key in watched) watches?.Forget(key, this);
        watched.Clear();
        (watches, needsKeys) = (null, false);
    }

    private bool TryGoOn(CommandCall call)
    {
        if (!hasBegun) return TryBegin(call);
        return (!IsSliced || !needsKeys || TryLocate(call, isFirst: false)) && GoOn(call);
    }

    private bool TryBegin(CommandCall call)
    {
        (hasBegun, needsKeys) = (true, true);
        if (!TryLookUp(call)) return true;
        var size = Begin(call);
        IsSliced = size > SliceElements && attempts < AttemptsMax && MayRest(call);
        if (IsSliced && !call.IsReplay) Watch(call);
        return GoOn(call);
    }

    private void BeginAnew()
    {
        BegunAnew.Hit();
        LetGo();
        Discard();
        attempts++;
        (isLookedUp, hasBegun, isBroken) = (false, false, false);
    }

    /// <summary>Looks the keys up; false when one holds something else, or has expired since the run began.</summary>
    private unsafe bool TryLocate(CommandCall call, bool isFirst)
    {
        records.Clear();
        for (var i = firstKey; i < firstKey + keys; i++)
        {
            var place = isFirst ? call.Locate(i) : call.Keyspace.Locate(call[i], call.Slot);
            IsOfOtherKind = !Takes(place.Kind);
            if (!isFirst && !call.IsReplay && (IsOfOtherKind || (place.Expiry >= 0 && place.Expiry < call.Now))) OnChanged();
            if (isBroken || IsOfOtherKind) return false;
            records.Add((nint)place.Record);
        }

        return true;
    }

    private void Watch(CommandCall call)
    {
        watches = call.Shard.Watches;
        for (var i = firstKey; i < firstKey + keys; i++)
        {
            watched.Add(call[i].ToArray());
            watches.Watch(call[i], this);
        }
    }

    private bool Finish(CommandCall call)
    {
        LetGo();
        if (call.Gathering.Run == this) call.Gathering.Run = null;
        return true;
    }
}
