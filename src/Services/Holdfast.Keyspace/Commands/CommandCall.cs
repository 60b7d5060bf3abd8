using Holdfast.Primitives;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>How a call may look at the state and change it.</summary>
internal enum CallMode : byte
{
    /// <summary>On the leader, at append: changes are logged, keys that have expired are found and their deletion is logged first.</summary>
    Execute = 0,

    /// <summary>Effects of a committed entry: what stands in them is done, and nothing else. Nobody expires anything here (S13).</summary>
    Replay = 1,

    /// <summary>A read on a follower: keys that have expired look as if they were gone.</summary>
    ReadOnly = 2,
}

/// <summary>
/// One command being executed: its arguments, the state of its shard, and where its reply and its effects go. Reused; handlers keep nothing of it. What a handler changes it changes through
/// <see cref="Keyspace"/>, and says so with <see cref="Changed"/>: that makes the command an effect, as it came, unless the handler logs something else.
/// </summary>
internal sealed class CommandCall(ShardMachine? shard, KeyspaceNode node)
{
    private readonly Gathering replayed = new();
    private RespArguments arguments = new();
    private bool isLogged;
    private Waiter? served;
    private byte[] offered = [];
    private bool waitsOn;
    private long keysBefore;

    public CallMode Mode { get; init; }

    /// <summary>The shard; null for commands of the node.</summary>
    public ShardMachine Shard => shard ?? throw new InvariantBrokenException("a command of the node looked for a shard");

    /// <summary>Whether it is executed on a shard, in an entry or by a read of its replica.</summary>
    public bool IsOnShard => shard is not null;

    public KeyspaceNode Node => node;

    public Keyspace Keyspace => Shard.Keyspace;

    public EffectsWriter Effects { get; } = new();

    /// <summary>Memory for the handler that runs.</summary>
    public CallScratch Scratch { get; } = new();

    /// <summary>What a command that goes on in several turns has so far: its client's, or that of the effect that is replayed.</summary>
    public Gathering Gathering => Client?.Gathering ?? replayed;

    /// <summary>Who asked; null while effects are replayed.</summary>
    public ClientSession? Client { get; private set; }

    public CommandSpec Spec { get; private set; } = null!;

    /// <summary>Where the reply goes.</summary>
    public RespWriter Reply { get; set; } = null!;

    /// <summary>The slot of the command's keys; -1 for none.</summary>
    public int Slot { get; private set; }

    /// <summary>The entry's time, in microseconds since the Unix epoch: the only clock of a handler.</summary>
    public long TimeMicros { get; set; }

    /// <summary>The entry's time, in milliseconds since the Unix epoch.</summary>
    public long Now => TimeMicros / 1000;

    /// <summary>How many arguments there are, the name included.</summary>
    public int Count => arguments.Count;

    /// <summary>Changes that the command has made; a command with none is not logged.</summary>
    public long Changes { get; private set; }

    public bool IsReplay => Mode == CallMode.Replay;

    public ReadOnlySpan<byte> this[int index] => arguments[index];

    public RespArguments Arguments => arguments;

    public void Begin(CommandSpec spec, RespArguments words, int slot)
    {
        Spec = spec;
        arguments = words;
        Slot = slot;
        keysBefore = shard?.Keyspace.KeyCount ?? 0;
        Changes = 0;
        isLogged = false;
    }

    /// <summary>Executes a command of a client and logs it if it changed anything.</summary>
    public void Run(ClientSession client, CommandSpec spec, RespArguments words, int slot)
    {
        Begin(spec, words, slot);
        Client = client;
        Reply = client.Replies.Writer;
        spec.Handler(this);
        if (Changes > 0 && !isLogged) Effects.Write(arguments);
        if (client.Tracking.Remembers && spec.Has(CommandFlags.ReadOnly)) node.Tracking.Remember(client, spec, words, node.Places);
    }

    /// <summary>Executes a command that the present one (a script) calls: its changes are the script's, its effects stand in the same entry, its reply goes elsewhere.</summary>
    public void RunWithin(CommandSpec spec, RespArguments words, int slot, RespWriter reply)
    {
        var outer = (Spec, arguments, Slot, Changes, Reply);
        Begin(spec, words, slot);
        Reply = reply;
        spec.Handler(this);
        if (Changes > 0 && !isLogged) Effects.Write(arguments);
        if (Client is { Tracking.Remembers: true } reader && spec.Has(CommandFlags.ReadOnly)) node.Tracking.Remember(reader, spec, words, node.Places);
        var made = Changes;
        (Spec, arguments, Slot, Changes, Reply) = outer;
        Changes += made;
        isLogged = true;
    }

    /// <summary>The command has waited, and is executed again because a key has come.</summary>
    public bool IsServing => served is not null;

    /// <summary>Whether a key may serve this command: any, unless it has waited and one has come.</summary>
    public bool IsOffered(int argument) => served is null || arguments[argument].SequenceEqual(offered);

    /// <summary>A script is being executed: nothing in it waits.</summary>
    public bool DeniesWaiting { get; set; }

    /// <summary>
    /// Nothing of what the command wants is there: the client waits until one of these keys is changed and holds this kind, and then the command is executed again, in the entry of whoever changed it. In a transaction, in a
    /// script and on a replica nothing waits: the reply is written at once. What is logged must be a command that does not wait (<see cref="LogInstead"/>).
    /// </summary>
    /// <param name="kind">What a key must hold to serve.</param>
    /// <param name="firstKey">The argument of the first key.</param>
    /// <param name="lastKey">The argument of the last one.</param>
    /// <param name="patienceMicros">How long; zero for no end.</param>
    /// <param name="otherwise">What is replied when there is no waiting.</param>
    /// <param name="again">What is to be executed then, if not the command as it came.</param>
    public void Wait(ValueKind kind, int firstKey, int lastKey, long patienceMicros, WaitReply otherwise, RespArguments? again = null)
    {
        if (served is not null)
        {
            waitsOn = true;
            return;
        }

        if (Mode != CallMode.Execute || DeniesWaiting || Client is not { Transaction.IsOpen: false } client)
        {
            if (otherwise == WaitReply.Null) Reply.Null();
            else Reply.NullArray();
            return;
        }

        var copy = again;
        if (copy is null)
        {
            copy = new RespArguments();
            copy.CopyFrom(arguments);
        }

        var deadline = patienceMicros == 0 ? Instant.Never : node.Now + TimeSpan.FromMicroseconds(patienceMicros);
        var waiter = new Waiter(client, Spec, copy, Slot, kind) { Shard = Shard, Deadline = deadline };
        for (var i = firstKey; i <= lastKey; i++) Shard.Waits.Add(waiter, copy[i]);
        client.Wait.Park(waiter);
    }

    /// <summary>Executes the command of a client that has waited for a key that is there now; false when it goes on waiting.</summary>
    public bool TryServe(Waiter waiter, byte[] key)
    {
        (served, offered, waitsOn) = (waiter, key, false);
        Run(waiter.Client, waiter.Spec, waiter.Arguments, waiter.Slot);
        served = null;
        return !waitsOn;
    }

    /// <summary>What is done next nobody has asked for: nobody has made these changes himself.</summary>
    public void ActForNobody() => Client = null;

    /// <summary>Executes a command of ours, asked for by nobody: its reply is dropped.</summary>
    public void RunOwn(IReadOnlyList<byte[]> words)
    {
        var own = Of(words);
        Client = null;
        Reply = new RespWriter(new ByteBuffer(64));
        Begin(node.Table.Find(own[0])!, own, -1);
        Spec.Handler(this);
        if (Changes > 0 && !isLogged) Effects.Write(arguments);
    }

    /// <summary>Words as a command has them.</summary>
    public static RespArguments Of(IReadOnlyList<byte[]> words)
    {
        var own = new RespArguments();
        own.Begin(words.SelectMany(each => each).ToArray());
        var at = 0;
        foreach (var word in words)
        {
            own.Add(at, word.Length);
            at += word.Length;
        }

        return own;
    }

    /// <summary>Deletes a key that has expired, by its record, and logs that.</summary>
    public unsafe void ExpireRecord(nint address)
    {
        var record = (byte*)address;
        var key = RecordHead.KeyOf(record).ToArray();
        var place = new KeyPlace(key, RecordHead.Hash(record), KeySlot.Of(key), record);
        Expire(ref place);
    }

    /// <summary>Looks up the key that stands at an argument.</summary>
    public KeyPlace Locate(int argument) => LocateKey(arguments[argument]);

    /// <summary>Looks up a key of this command's slot. One that has expired is removed first, and its removal logged.</summary>
    public KeyPlace LocateKey(ReadOnlySpan<byte> key)
    {
        var place = Keyspace.Locate(key, Slot >= 0 ? Slot : KeySlot.Of(key));
        if (place.Expiry >= 0 && place.Expiry < Now && Mode != CallMode.Replay) Expire(ref place);
        if (Client is not null) OnLookedUp(place);
        if (!place.Exists && Spec.CountsLookups) Notify(key, KeyEvents.Miss, "keymiss"u8);
        return place;
    }

    /// <summary>Looks up a key and refuses it, with Redis's words, when it holds something else; false when it was refused.</summary>
    public bool TryLocate(int argument, ValueKind kind, out KeyPlace place)
    {
        place = Locate(argument);
        if (!place.IsOtherThan(kind)) return true;
        Reply.Error(CommandErrors.WrongType);
        return false;
    }

    /// <summary>Says that a key was changed: the command is an effect now, and whoever watches the key learns of it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="events">The class of the notification.</param>
    /// <param name="name">The notification's name, such as "set".</param>
    /// <param name="changes">How many changes count, as Redis counts them for its snapshots.</param>
    public void Changed(ReadOnlySpan<byte> key, KeyEvents events, ReadOnlySpan<byte> name, long changes = 1)
    {
        if (node.Tracking.Clients > 0) node.Tracking.OnChanged(this, key);
        if (Mode == CallMode.Execute) Shard.Watches.OnChanged(key);
        ChangedBeside(key, events, name, changes);
    }

    /// <summary>The same of what is no part of the value that a key is read for (groups of a stream): who waits for the key learns of it, and not who watches it or has it in a cache.</summary>
    public void ChangedBeside(ReadOnlySpan<byte> key, KeyEvents events, ReadOnlySpan<byte> name, long changes = 1)
    {
        CountChangesBeside(key, changes);
        if (Mode != CallMode.Execute) return;
        Shard.Waits.OnChanged(key);
        if (Keyspace.KeyCount > keysBefore) Notify(key, KeyEvents.New, "new"u8);
        keysBefore = Keyspace.KeyCount;
        Notify(key, events, name);
    }

    /// <summary>The same, of which nobody is told but a command that goes over all of the key in slices.</summary>
    public void CountChangesBeside(ReadOnlySpan<byte> key, long changes = 1)
    {
        Changes += changes;
        if (Mode == CallMode.Execute) Shard.Watches.OnChangedBeside(key);
    }

    /// <summary>Counts changes that no key names (FLUSHALL): the command is an effect now.</summary>
    public void CountChanges(long changes) => Changes += changes;

    /// <summary>Says that something happened to a key, without having changed it.</summary>
    public void Notify(ReadOnlySpan<byte> key, KeyEvents events, ReadOnlySpan<byte> name) => node.Notices.OnEvent(this, key, events, name);

    /// <summary>Logs something else in the place of the command: begin here, then that many arguments by <see cref="EffectsWriter.Argument(ReadOnlySpan{byte})"/>. May be called several times.</summary>
    public EffectsWriter LogInstead(int argumentCount)
    {
        isLogged = true;
        if (Mode == CallMode.Execute) Effects.Open(argumentCount);
        return Mode == CallMode.Execute ? Effects : EffectsWriter.Nowhere(argumentCount);
    }

    /// <summary>The command is not logged as it came: it has logged all it did, or is part of one that has.</summary>
    public void LogNothingMore() => isLogged = true;

    /// <summary>Deletes a key because memory is short, and logs that.</summary>
    public void Evict(byte[] key, int slot)
    {
        var place = Keyspace.Locate(key, slot);
        Effects.Write("DEL"u8, key);
        Keyspace.Remove(ref place);
        Shard.Watches.OnChanged(key);
        if (node.Tracking.Clients > 0) node.Tracking.OnChanged(this, key);
        Notify(key, KeyEvents.Evicted, "evicted"u8);
        node.Counters.EvictedKeys++;
    }

    private unsafe void OnLookedUp(in KeyPlace place)
    {
        if (Spec.CountsLookups)
        {
            if (place.Exists) node.Counters.Hits++;
            else node.Counters.Misses++;
        }

        if (place.Exists && !Spec.TouchesNothing && !(Client!.Traits.IsNoTouch && Spec.Name != "touch")) node.Eviction.OnUsed(place.Record, Now);
    }

    private void Expire(ref KeyPlace place)
    {
        if (Mode == CallMode.ReadOnly)
        {
            place = place.AsAbsent();
            return;
        }

        Effects.Write("DEL"u8, place.Key);
        Keyspace.Remove(ref place);
        Shard.Watches.OnChanged(place.Key);
        if (node.Tracking.Clients > 0) node.Tracking.OnChanged(this, place.Key);
        Notify(place.Key, KeyEvents.Expired, "expired"u8);
        node.Counters.ExpiredKeys++;
    }
}
