using Holdfast.Primitives;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>A script or function that is being executed, and the commands that it calls: each is executed within the command that brought the script, so all their effects are in one entry.</summary>
internal sealed class ScriptRun(CommandCall call, string name, ScriptFlags flags, bool isFunction, Instant startedAt)
{
    /// <summary>Bytes of effects after which a script may change nothing more: they are one command of the shard's group, which is bounded.</summary>
    private const int EffectsMax = 24 * 1024 * 1024;

    private readonly RespArguments words = new();
    private readonly RespWriter answer = new(new ByteBuffer(512));
    private readonly List<int> places = [];
    private byte[] bytes = new byte[512];
    private int slot = call.Slot;

    /// <summary>The SHA-1 of a script, or the name of a function.</summary>
    public string Name => name;

    public bool IsFunction => isFunction;

    public Instant StartedAt => startedAt;

    /// <summary>It was called by EVAL_RO or its like.</summary>
    public bool IsReadOnly => (flags & ScriptFlags.NoWrites) != 0 || call.Spec.Has(CommandFlags.ReadOnly);

    /// <summary>The protocol in which it reads replies (redis.setresp).</summary>
    public int Protocol { get; set; } = 2;

    /// <summary>It has called a command that writes: it cannot be killed any more.</summary>
    public bool HasWritten { get; private set; }

    public bool IsKilled { get; set; }

    public CommandCall Call => call;

    /// <summary>redis.call and redis.pcall.</summary>
    public int Execute(LuaFrame frame)
    {
        if (frame.Count == 0) return frame.Fail("ERR Please specify at least one argument for this redis lib call"u8, -1);
        if (!TakeArguments(frame)) return frame.Fail("ERR Lua redis lib command arguments must be strings or integers"u8, -1);
        var table = call.Node.Table;
        if (table.Find(words[0]) is { IsBound: false } unserved && unserved.Has(CommandFlags.NoScript)) return frame.Fail("ERR This Redis command is not allowed from script"u8, -1);
        if (RequestRouter.Find(table, words, out var fault, out var meant) is not { } spec)
        {
            if (meant is not null) meant.Statistics.Rejected++;
            return frame.Fail(fault.StartsWith("ERR wrong number", StringComparison.Ordinal) ? "ERR Wrong number of args calling Redis command from script"u8 : "ERR Unknown Redis command called from script"u8, -1);
        }

        if ((spec.Has(CommandFlags.NoScript) && !(call.Node.ScriptsMayDebug && spec is { Name: "debug", Place: CommandPlace.Node })) || spec.Place == CommandPlace.Connection) return frame.Fail("ERR This Redis command is not allowed from script"u8, -1);
        if (AclGate.RefusalInScript(call.Node, call.Client, spec, words, places) is { } denial) return frame.Fail(denial, -1);
        if (spec.Has(CommandFlags.DenyOom) && !HasWritten && (flags & ScriptFlags.AllowOom) == 0 && call.Node.IsOutOfMemory)
        {
            spec.Statistics.Rejected++;
            return frame.Fail(CommandErrors.OutOfMemory, -1);
        }

        if (spec.Has(CommandFlags.Write) && Refusal() is { } refusal) return frame.Fail(refusal, -1);
        if (!TryFindSlot(spec, out var of, out var why)) return frame.Fail(why, -1);
        var begun = call.Node.ReadClock();
        call.Node.Meter.ShowCalled(call, spec, words);
        Run(spec, of);
        var reply = answer.Target.Written;
        call.Node.Meter.LapWithin(call.Client, spec, words, begun, reply, isOfScript: true);
        if (reply.Length > 0 && reply[0] == '-') return frame.Fail(reply[1..^2], -1);
        LuaReplies.Push(frame, reply);
        return 1;
    }

    private string? Refusal()
    {
        if (IsReadOnly) return "ERR Write commands are not allowed from read-only scripts.";
        return call.Effects.Length > EffectsMax ? "ERR the script has changed too much: what a script changes is one entry of the log" : null;
    }

    private void Run(CommandSpec spec, int of)
    {
        if (spec.Has(CommandFlags.Write)) HasWritten = true;
        answer.Protocol = Protocol;
        if (spec.Place == CommandPlace.EveryShard) call.Client!.Gathering.Begin(call.IsOnShard ? 1 : 0);
        do
        {
            if (spec.Place == CommandPlace.EveryShard) call.Client!.Gathering.IsUnfinished = false;
            answer.Target.Clear();
            call.RunWithin(spec, words, of, answer);
        }
        while (spec.Place == CommandPlace.EveryShard && call.Client!.Gathering.IsUnfinished);
    }

    private bool TakeArguments(LuaFrame frame)
    {
        var needed = frame.Count * RespNumber.BytesMax;
        for (var i = 1; i <= frame.Count; i++) needed += frame.Bytes(i).Length;
        if (bytes.Length < needed) bytes = new byte[needed];
        words.Begin(bytes);
        var at = 0;
        for (var i = 1; i <= frame.Count; i++)
        {
            int length;
            if (frame.IsNumber(i))
            {
                length = RespNumber.Format(frame.Number(i), bytes.AsSpan(at));
            }
            else
            {
                if (!frame.IsString(i)) return false;
                var text = frame.Bytes(i);
                text.CopyTo(bytes.AsSpan(at));
                length = text.Length;
            }

            words.Add(at, length);
            at += length;
        }

        return true;
    }

    /// <summary>All keys must be of this shard; of a script with flags, of one slot too.</summary>
    private bool TryFindSlot(CommandSpec spec, out int found, out string why)
    {
        found = -1;
        why = "";
        spec.FindKeys(words, places);
        foreach (var place in places)
        {
            var of = KeySlot.Of(words[place]);
            if (!call.IsOnShard || !call.Shard.State.Slots.Owned[of] || (found >= 0 && found != of))
            {
                why = "ERR Script attempted to access a non local key in a cluster node";
                return false;
            }

            if ((flags & (ScriptFlags.Compatible | ScriptFlags.AllowCrossSlotKeys)) == 0 && slot >= 0 && slot != of)
            {
                why = "ERR Script attempted to access keys that do not hash to the same slot";
                return false;
            }

            found = of;
        }

        if (slot < 0) slot = found;
        return true;
    }
}
