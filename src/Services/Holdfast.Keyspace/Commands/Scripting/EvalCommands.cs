using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>EVAL, EVALSHA, FCALL and their read-only forms: executed on the leader of their keys' shard, within one entry.</summary>
internal sealed class EvalCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("eval", Eval, "Executes a script", CommandPlace.AnyShard);
        table.Bind("eval_ro", Eval, "Executes a script that only reads", CommandPlace.AnyShard);
        table.Bind("evalsha", EvalDigest, "Executes a script that the server knows, by its SHA-1", CommandPlace.AnyShard);
        table.Bind("evalsha_ro", EvalDigest, "Executes a script that the server knows and that only reads", CommandPlace.AnyShard);
        table.Bind("fcall", Call, "Calls a function of a library", CommandPlace.AnyShard);
        table.Bind("fcall_ro", Call, "Calls a function that only reads", CommandPlace.AnyShard);
    }

    private static bool TryKeys(CommandCall call, ReadOnlySpan<byte> notANumber, out int keys)
    {
        keys = 0;
        if (!RespNumber.TryParse(call[2], out long count))
        {
            call.Reply.Error(notANumber);
            return false;
        }

        if (count > call.Count - 3)
        {
            call.Reply.Error("ERR Number of keys can't be greater than number of args"u8);
            return false;
        }

        if (count < 0)
        {
            call.Reply.Error("ERR Number of keys can't be negative"u8);
            return false;
        }

        keys = (int)count;
        return true;
    }

    private static void Eval(CommandCall call)
    {
        call.Node.Meter.ShowScript(call);
        if (!TryKeys(call, CommandErrors.NotAnInteger, out var keys)) return;
        if (call.Node.Scripts.Take(call[1], isLoaded: false, out var fault) is not { } script) call.Reply.Error(fault);
        else Run(call, script, keys);
    }

    private static void EvalDigest(CommandCall call)
    {
        call.Node.Meter.ShowScript(call);
        if (!TryKeys(call, CommandErrors.NotAnInteger, out var keys)) return;
        if (call[1].Length != 40 || call.Node.Scripts.Cache.Find(Encoding.ASCII.GetString(call[1]).ToLowerInvariant()) is not { } script) call.Reply.Error("NOSCRIPT No matching script. Please use EVAL."u8);
        else Run(call, script, keys);
    }

    private static void Run(CommandCall call, Script script, int keys)
    {
        if (MayRun(call, script.Head.Flags)) call.Node.Scripts.Run(call, script, keys, 3);
    }

    private static void Call(CommandCall call)
    {
        call.Node.Meter.ShowScript(call);
        if (call.Node.Functions.Find(Encoding.UTF8.GetString(call[1])) is not { } function)
        {
            call.Reply.Error("ERR Function not found"u8);
            return;
        }

        if (TryKeys(call, "ERR Bad number of keys provided"u8, out var keys) && MayRun(call, function.Flags)) call.Node.Scripts.Run(call, function, keys, 3);
    }

    /// <summary>Whether what is to be executed has said that it changes nothing.</summary>
    public static bool OnlyReads(CommandSpec spec, RespArguments words, KeyspaceNode node) => (FlagsOf(spec, words, node) & ScriptFlags.NoWrites) != 0;

    private static ScriptFlags FlagsOf(CommandSpec spec, RespArguments words, KeyspaceNode node) => spec.Name switch
    {
        "eval" => ScriptHead.Read(words[1], out _)?.Flags ?? ScriptFlags.None,
        "evalsha" => words[1].Length == 40 && node.Scripts.Cache.Find(Encoding.ASCII.GetString(words[1]).ToLowerInvariant()) is { } script ? script.Head.Flags : ScriptFlags.None,
        "fcall" => node.Functions.Find(Encoding.UTF8.GetString(words[1]))?.Flags ?? ScriptFlags.None,
        _ => ScriptFlags.None,
    };

    /// <summary>What the flags of a script forbid before it begins.</summary>
    private static bool MayRun(CommandCall call, ScriptFlags flags)
    {
        if ((flags & ScriptFlags.Compatible) != 0) return true;
        if (call.Node.IsOutOfMemory && (flags & (ScriptFlags.AllowOom | ScriptFlags.NoWrites)) == 0) call.Reply.Error(CommandErrors.OutOfMemory);
        else if ((flags & ScriptFlags.NoCluster) != 0) call.Reply.Error("ERR Can not run script on cluster, 'no-cluster' flag is set."u8);
        else if (call.Spec.Has(CommandFlags.ReadOnly) && (flags & ScriptFlags.NoWrites) == 0) call.Reply.Error("ERR Can not execute a script with write flag using *_ro command."u8);
        else return true;
        return false;
    }
}
