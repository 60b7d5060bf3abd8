using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// Executes scripts: keeps the Lua machine, its prelude and what is compiled. On a shard's leader only; what a script changes is logged as the effects of the commands that it called. For the loop's thread.
/// </summary>
internal sealed partial class ScriptEngine(KeyspaceNode node)
{
    /// <summary>Memory of the machine; a script that wants more ends with "not enough memory".</summary>
    public const long MemoryMax = 256L * 1024 * 1024;

    private const long CollectBytes = 16L * 1024 * 1024;
    private static readonly TimeSpan BusyPoll = TimeSpan.FromMilliseconds(20);

    private readonly ByteBuffer fitted = new();
    private LuaMachine? machine;
    private int scripts;
    private int functions;
    private int globals;
    private int handler;
    private int loading;
    private Instant polledAt;

    /// <summary>Scripts by their SHA-1.</summary>
    public ScriptCache Cache { get; } = new();

    /// <summary>What is being executed; null for nothing.</summary>
    public ScriptRun? Running { get; private set; }

    /// <summary>A script runs for longer than others should wait: they are told so (BUSY).</summary>
    public bool IsBusy { get; private set; }

    public long MemoryUsed => machine?.BytesUsed ?? 0;

    /// <summary>Who takes functions while a library is loaded.</summary>
    public LibraryLoad? Loading { get; private set; }

    /// <summary>Finds what EVAL brings, or takes it in; null, with the error said, when it is no script.</summary>
    public Script? Take(ReadOnlySpan<byte> source, bool isLoaded, out string fault)
    {
        fault = "";
        var digest = ScriptCache.DigestOf(source);
        if (Cache.Find(digest) is { } known)
        {
            known.IsLoaded |= isLoaded;
            return known;
        }

        if (ScriptHead.Read(source, out fault) is not { } head) return null;
        var script = new Script { Digest = digest, Source = source.ToArray(), Head = head, IsLoaded = isLoaded };
        if (!TryCompile(script, out fault)) return null;
        if (Cache.TryAdd(script, Forget)) return script;
        Forget(script);
        fault = $"ERR the script cache is full: its bound is {ScriptCache.BytesMax} bytes; SCRIPT FLUSH empties it";
        return null;
    }

    public void Flush()
    {
        Drop();
        Cache.Clear();
    }

    /// <summary>Runs a script for the command that brought it.</summary>
    public void Run(CommandCall call, Script script, int keys, int firstKey)
    {
        if (script.Reference == 0 && !TryCompile(script, out var fault))
        {
            call.Reply.Error(fault);
            return;
        }

        var lua = Machine();
        var frame = lua.Bottom;
        lua.PushKept(globals);
        PushArguments(call, firstKey, keys);
        frame.SetField(-2, "KEYS"u8);
        PushArguments(call, firstKey + keys, call.Count - firstKey - keys);
        frame.SetField(-2, "ARGV"u8);
        frame.Pop();
        lua.PushKept(script.Reference);
        Run(new ScriptRun(call, script.Digest, script.Head.Flags, isFunction: false, node.ReadClock()), 0);
    }

    /// <summary>Runs a function of a library.</summary>
    public void Run(CommandCall call, LibraryFunction function, int keys, int firstKey)
    {
        var lua = Machine();
        lua.PushKept(function.Reference);
        PushArguments(call, firstKey, keys);
        PushArguments(call, firstKey + keys, call.Count - firstKey - keys);
        Run(new ScriptRun(call, function.Name, function.Flags, isFunction: true, node.ReadClock()), 2);
    }

    /// <summary>Loads a library: what it registers goes to <paramref name="load"/>. False with the words of Redis when it fails.</summary>
    public bool TryLoad(LibraryLoad load, ReadOnlySpan<byte> body, out string fault)
    {
        var lua = Machine();
        if (!TryPush(lua, body, "@user_function"u8, functions, out var why))
        {
            fault = "ERR Error compiling function: " + why;
            return false;
        }

        var frame = lua.Bottom;
        Loading = load;
        SetLoading(true);
        var isLoaded = lua.TryCall(0, handler, () => Watch(load.StartedAt));
        SetLoading(false);
        Loading = null;
        fault = isLoaded ? "" : "ERR Error registering functions: " + MessageOf(frame);
        frame.Pop();
        if (lua.IsStopping) Drop();
        return isLoaded;
    }

    public void Forget(int reference) => machine?.Forget(reference);

    /// <summary>Compiled functions of libraries are valid as long as this is the same.</summary>
    public int Generation { get; private set; }

    private void Run(ScriptRun run, int arguments)
    {
        var lua = machine!;
        var frame = lua.Bottom;
        Running = run;
        run.Call.DeniesWaiting = true;
        var isDone = lua.TryCall(arguments, handler, () => Watch(run));
        run.Call.DeniesWaiting = false;
        Running = null;
        IsBusy = false;
        var reply = run.Call.Reply;
        if (isDone)
        {
            LuaReplies.Write(frame, reply, run.Protocol);
        }
        else
        {
            reply.Error(run.IsKilled ? $"ERR Script killed by user with SCRIPT KILL... script: {run.Name}" : FaultOf(frame, run.Name));
            frame.Pop();
        }

        if (lua.IsStopping) Drop();
        else if (lua.BytesUsed > CollectBytes) lua.Collect();
        if (lua.BytesUsed > MemoryMax / 2 && !lua.IsStopping) Drop();
    }

    private void Watch(ScriptRun run)
    {
        Watch(run.StartedAt);
        if (run.IsKilled) machine!.Stop();
    }

    /// <summary>Called now and then while Lua runs: the time limit, after which others are heard (SCRIPT KILL).</summary>
    private void Watch(Instant startedAt)
    {
        var now = node.ReadClock();
        var patience = node.Settings.BusyAfter;
        if (patience <= TimeSpan.Zero || now - startedAt < patience) return;
        if (Loading is not null)
        {
            machine!.Stop(); // A library that does not end its loading is given up.
            return;
        }

        IsBusy = true;
        if (now - polledAt < BusyPoll) return;
        polledAt = now;
        node.WhileBusy?.Invoke();
    }

    private LuaMachine Machine()
    {
        if (machine is not null) return machine;
        machine = new LuaMachine(MemoryMax);
        Generation++;
        var frame = machine.Bottom;
        var isLoaded = machine.Load(frame.State, ScriptPrelude.Text, ScriptPrelude.Name);
        Invariant.Holds(isLoaded, "the prelude of scripts does not compile");
        PushNatives(machine);
        var isRun = machine.TryCall(1, 0, null);
        Invariant.Holds(isRun, "the prelude of scripts does not run: " + Encoding.UTF8.GetString(frame.Bytes(-1)));
        scripts = KeepField(frame, "scripts"u8);
        globals = KeepField(frame, "globals"u8);
        functions = KeepField(frame, "functions"u8);
        handler = KeepField(frame, "catch"u8);
        loading = KeepField(frame, "loading"u8);
        frame.Pop();
        return machine;
    }

    private void Drop()
    {
        machine?.Dispose();
        machine = null;
        Generation++;
        foreach (var script in Cache.All) script.Reference = 0;
    }

    private void Forget(Script script)
    {
        if (script.Reference != 0) machine?.Forget(script.Reference);
        script.Reference = 0;
    }

    private static int KeepField(LuaFrame frame, ReadOnlySpan<byte> name)
    {
        frame.PushField(-1, name);
        return frame.Machine.Keep();
    }

    private void SetLoading(bool isOn)
    {
        var lua = machine!;
        lua.PushKept(loading);
        lua.Bottom.Push(isOn);
        lua.TryCall(1, 0, null);
        lua.Bottom.Pop();
    }

    private bool TryCompile(Script script, out string fault)
    {
        fault = "";
        var lua = Machine();
        if (!TryPush(lua, script.Source.AsSpan(script.Head.BodyStart), "@user_script"u8, scripts, out var why))
        {
            fault = "ERR Error compiling script (new function): " + why;
            return false;
        }

        script.Reference = lua.Keep();
        return true;
    }

    /// <summary>Compiles a text in an environment and pushes the function.</summary>
    private bool TryPush(LuaMachine lua, ReadOnlySpan<byte> text, ReadOnlySpan<byte> name, int environment, out string fault)
    {
        SourceFitter.Fit(text, fitted);
        fault = "";
        var frame = lua.Bottom;
        if (!lua.Load(frame.State, fitted.Written, name))
        {
            fault = InOldWords(Encoding.UTF8.GetString(frame.Bytes(-1)));
            frame.Pop();
            return false;
        }

        lua.PushKept(environment);
        lua.SetEnvironment(frame.State, -2);
        return true;
    }

    /// <summary>loadstring: compiles a text in the environment that is its third argument.</summary>
    private int LoadText(LuaFrame frame)
    {
        var text = frame.Bytes(1);
        SourceFitter.Fit(text, fitted);
        if (!text.StartsWith("\u001b"u8) && frame.Machine.Load(frame.State, fitted.Written, frame.Bytes(2)))
        {
            frame.PushCopy(3);
            frame.Machine.SetEnvironment(frame.State, -2);
            return 1;
        }

        var isBytecode = text.StartsWith("\u001b"u8);
        var why = isBytecode ? "attempt to load chunk with wrong mode" : InOldWords(Encoding.UTF8.GetString(frame.Bytes(-1)));
        if (!isBytecode) frame.Pop();
        frame.PushNil();
        frame.Push(why);
        return 2;
    }

    /// <summary>The compiler's words as those of 5.1, and without what fitting has put in.</summary>
    private static string InOldWords(string message) =>
        FittedNumber().Replace(message, "near '$1'").Replace("syntax error near", "'=' expected near", StringComparison.Ordinal).Replace("near <eof>", "near '<eof>'", StringComparison.Ordinal).Replace("<eof> expected", "'<eof>' expected", StringComparison.Ordinal);

    private void PushArguments(CommandCall call, int first, int count)
    {
        var frame = machine!.Bottom;
        frame.PushTable(count, 0);
        for (var i = 0; i < count; i++)
        {
            frame.Push(call[first + i]);
            frame.SetElement(-2, i + 1);
        }
    }

    private static string MessageOf(LuaFrame frame)
    {
        if (frame.TypeOf(-1) != LuaCalls.TypeTable) return "ERR " + Encoding.UTF8.GetString(frame.Bytes(-1));
        frame.PushField(-1, "err"u8);
        var message = frame.IsNumber(-1) ? frame.Number(-1).ToString(CultureInfo.InvariantCulture) : Encoding.UTF8.GetString(frame.Bytes(-1));
        frame.Pop();
        return message.Length > 0 ? message : "ERR unknown error";
    }

    /// <summary>An error as the client sees it: what, in which script, on which line.</summary>
    private static string FaultOf(LuaFrame frame, string name)
    {
        var message = MessageOf(frame);
        if (frame.TypeOf(-1) != LuaCalls.TypeTable) return $"{message} script: {name}";
        frame.PushField(-1, "source"u8);
        frame.PushField(-2, "line"u8);
        var place = frame.TypeOf(-2) == LuaCalls.TypeString && frame.IsNumber(-1) ? $", on {Encoding.UTF8.GetString(frame.Bytes(-2))}:{(long)frame.Number(-1)}." : "";
        frame.Pop(2);
        return $"{message} script: {name}{place}";
    }

    private void PushNatives(LuaMachine lua)
    {
        var frame = lua.Bottom;
        frame.PushTable(0, 32);
        void Set(string name, LuaFunction function)
        {
            frame.Push(name);
            lua.PushFunction(function);
            frame.SetField(-3);
        }

        Set("call", inner => Running is { } run ? run.Execute(inner) : inner.Fail("ERR redis.call/pcall can only be called inside a script invocation"u8, -1));
        Set("load", LoadText);
        Set("sha1hex", static inner =>
        {
            inner.Push(Convert.ToHexStringLower(SHA1.HashData(inner.Bytes(1))));
            return 1;
        });
        Set("log", inner =>
        {
            if (inner.Number(1) >= 2) node.Say?.Invoke(inner.Number(1) >= 3, "a script says: " + Encoding.UTF8.GetString(inner.Bytes(2)));
            return 0;
        });
        Set("setresp", inner =>
        {
            if (Running is { } run) run.Protocol = (int)inner.Number(1);
            return 0;
        });
        Set("acl_check_cmd", CheckCommand);
        Set("register_function", inner => Loading is { } load ? load.Register(inner) : inner.Fail("ERR redis.register_function can only be called on FUNCTION LOAD command"u8, -1));
        new JsonLibrary().Bind(Set);
        MessagePackLibrary.Bind(Set);
        StructLibrary.Bind(Set);
        frame.PushNothing();
        frame.SetField(-2, "nothing"u8);
        frame.Push(ConnectionCommands.RedisVersion);
        frame.SetField(-2, "version"u8);
        frame.Push((double)0x0007000F);
        frame.SetField(-2, "number"u8);
    }

    private int CheckCommand(LuaFrame frame)
    {
        if (frame.Count == 0) return frame.Fail("ERR Please specify at least one argument for this redis lib call"u8, -1);
        var words = new Wire.Resp.RespArguments();
        var flat = new ByteBuffer();
        var lengths = new List<int>();
        for (var i = 1; i <= frame.Count; i++)
        {
            new SpanWriter(flat).WriteBytes(frame.Bytes(i));
            lengths.Add(frame.Bytes(i).Length);
        }

        words.Begin(flat.Written.ToArray());
        var at = 0;
        foreach (var length in lengths)
        {
            words.Add(at, length);
            at += length;
        }

        if ((RequestRouter.Find(node.Table, words, out _, out var meant) ?? meant) is not { } spec) return frame.Fail("ERR Invalid command passed to redis.acl_check_cmd()"u8, -1);
        frame.Push(Running?.Call.Client is not { } client || client.Identity.Allows(spec, words));
        return 1;
    }

    [GeneratedRegex(@"near '(\d+)\.0'")]
    private static partial Regex FittedNumber();
}
