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
    private RespArguments arguments = new();
    private bool isLogged;

    public CallMode Mode { get; init; }

    /// <summary>The shard; null for commands of the node.</summary>
    public ShardMachine Shard => shard ?? throw new InvariantBrokenException("a command of the node looked for a shard");

    /// <summary>Whether it is executed on a shard.</summary>
    public bool HasShard => shard is not null;

    /// <summary>A script is being executed: nothing in it waits.</summary>
    public bool IsInScript { get; set; }

    public KeyspaceNode Node => node;

    public Keyspace Keyspace => Shard.Keyspace;

    public EffectsWriter Effects { get; } = new();

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

    /// <summary>Executes a command of ours, asked for by nobody: its reply is dropped.</summary>
    public void RunOwn(IReadOnlyList<byte[]> words)
    {
        var own = new RespArguments();
        own.Begin(words.SelectMany(each => each).ToArray());
        var at = 0;
        foreach (var word in words)
        {
            own.Add(at, word.Length);
            at += word.Length;
        }

        Client = null;
        Reply = new RespWriter(new ByteBuffer(64));
        Begin(node.Table.Find(own[0])!, own, -1);
        Spec.Handler(this);
        if (Changes > 0 && !isLogged) Effects.Write(arguments);
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
        Changes += changes;
        if (node.Tracking.Clients > 0) node.Tracking.OnChanged(this, key);
        if (Mode != CallMode.Execute) return;
        Shard.Watches.OnChanged(key);
        Notify(key, events, name);
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
        if (Spec.Has(CommandFlags.ReadOnly))
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
