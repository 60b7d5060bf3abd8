using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static Holdfast.Keyspace.LuaCalls;

namespace Holdfast.Keyspace;

/// <summary>A function of ours that scripts call; returns how many values it has pushed, or what <see cref="LuaFrame.Fail(string, int)"/> returned.</summary>
internal delegate int LuaFunction(LuaFrame frame);

/// <summary>
/// A Lua state with bounded memory. Lua raises errors by longjmp, and that must not pass through a managed frame; so (1) our functions never raise: they return false and a message to a few lines of Lua, which raise
/// (<see cref="ScriptPrelude"/>); (2) memory is refused only while Lua runs by itself: while a function of ours runs the allocator lets it go beyond the bound, and the function then fails by (1); (3) a script is stopped by
/// making a native function its hook, <c>luaL_error</c>, which takes the hook's record for its text. For one thread.
/// </summary>
internal sealed unsafe class LuaMachine : IDisposable
{
    private const int InstructionsPerTick = 20_000;

    private readonly List<LuaFunction> functions = [];
    private readonly GCHandle self;
    private readonly nint main;
    private readonly nuint bytesMax;
    private Action? onTick;
    private nuint bytesUsed;
    private bool mayRefuse;
    private bool isStopping;

    /// <summary>An empty state with Lua's own libraries in it: for the prelude to sort out.</summary>
    public LuaMachine(long bytesMax)
    {
        this.bytesMax = (nuint)bytesMax;
        self = GCHandle.Alloc(this);
        main = lua_newstate(&Allocate, GCHandle.ToIntPtr(self));
        Primitives.Invariant.Holds(main != 0, "there is no memory for scripts");
        *(nint*)(main - sizeof(nint)) = GCHandle.ToIntPtr(self); // Lua's extra space; coroutines inherit it.
        luaL_openlibs(main);
    }

    /// <summary>Bytes that the state holds.</summary>
    public long BytesUsed => (long)bytesUsed;

    /// <summary>The frame at the bottom: for pushing what is called.</summary>
    public LuaFrame Bottom => new(this, main, 0);

    /// <summary>Whether the script was told to stop; the state should be thrown away then.</summary>
    public bool IsStopping => isStopping;

    /// <summary>Pushes a function of ours. Called through the prelude it gets (true, results) or (false, message, level) back.</summary>
    public void PushFunction(LuaFunction function)
    {
        functions.Add(function);
        lua_pushinteger(main, functions.Count - 1);
        lua_pushcclosure(main, &Enter, 1);
    }

    /// <summary>Compiles text (never bytecode) and pushes the function, or pushes the message and returns false.</summary>
    public bool Load(nint state, ReadOnlySpan<byte> text, ReadOnlySpan<byte> name)
    {
        Span<byte> chunk = stackalloc byte[name.Length + 1];
        name.CopyTo(chunk);
        chunk[^1] = 0;
        fixed (byte* bytes = text, called = chunk, mode = "t\0"u8)
        {
            byte none = 0;
            var before = mayRefuse;
            mayRefuse = true; // Compiling is protected by Lua itself.
            var status = luaL_loadbufferx(state, bytes == null ? &none : bytes, (nuint)text.Length, called, mode);
            mayRefuse = before;
            return status == 0;
        }
    }

    /// <summary>Calls the function below its arguments, under the handler that a reference names. On top is the one result, or what the handler made of the error.</summary>
    /// <param name="arguments">How many arguments are on top of the function.</param>
    /// <param name="handler">The reference of the message handler; 0 for none.</param>
    /// <param name="tick">Called now and then while Lua runs; may call <see cref="Stop"/>.</param>
    public bool TryCall(int arguments, int handler, Action? tick)
    {
        var place = 0;
        if (handler != 0)
        {
            place = lua_gettop(main) - arguments;
            lua_rawgeti(main, RegistryIndex, handler);
            lua_rotate(main, place, 1);
        }

        onTick = tick;
        if (tick is not null) lua_sethook(main, (nint)(delegate* unmanaged[Cdecl]<nint, nint, void>)&Tick, CountMask, InstructionsPerTick);
        mayRefuse = true;
        var status = lua_pcallk(main, arguments, 1, place, 0, 0);
        mayRefuse = false;
        lua_sethook(main, 0, 0, 0);
        onTick = null;
        if (place > 0)
        {
            lua_rotate(main, place, -1);
            lua_settop(main, -2);
        }

        return status == 0;
    }

    /// <summary>The script that runs is stopped: an error is raised at its next instruction, and at every one after it, so that it cannot catch it.</summary>
    public void Stop() => isStopping = true;

    /// <summary>Makes the table on top, which it takes, what a compiled function finds its globals in.</summary>
    public void SetEnvironment(nint state, int function) => lua_setupvalue(state, function, 1);

    /// <summary>Takes what is on top into the registry; its reference.</summary>
    public int Keep() => luaL_ref(main, RegistryIndex);

    public void Forget(int reference) => luaL_unref(main, RegistryIndex, reference);

    /// <summary>Pushes what a reference names.</summary>
    public void PushKept(int reference) => lua_rawgeti(main, RegistryIndex, reference);

    /// <summary>Throws away what nobody holds.</summary>
    public void Collect() => lua_gc(main, 2, 0);

    public void Dispose()
    {
        lua_close(main);
        self.Free();
    }

    private static LuaMachine Of(nint state) => (LuaMachine)GCHandle.FromIntPtr(*(nint*)(state - sizeof(nint))).Target!;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Allocate(nint owner, void* block, nuint before, nuint after)
    {
        var machine = (LuaMachine)GCHandle.FromIntPtr(owner).Target!;
        if (block == null) before = 0; // Then it says what kind of object is made.
        if (after == 0)
        {
            machine.bytesUsed -= before;
            NativeMemory.Free(block);
            return null;
        }

        if (after > before && machine.mayRefuse && machine.bytesUsed + (after - before) > machine.bytesMax) return null;
        machine.bytesUsed += after - before;
        return NativeMemory.Realloc(block, after);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Tick(nint state, nint record)
    {
        var machine = Of(state);
        machine.mayRefuse = false;
        try
        {
            machine.onTick?.Invoke();
        }
        catch (Exception broken)
        {
            Environment.FailFast("the watch over a script has failed", broken);
        }

        if (machine.isStopping)
        {
            lua_sethook(state, RaisingHook, CountMask, 1);
            lua_sethook(machine.main, RaisingHook, CountMask, 1);
        }

        machine.mayRefuse = true;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Enter(nint state)
    {
        var machine = Of(state);
        var before = machine.mayRefuse;
        machine.mayRefuse = false;
        var frame = new LuaFrame(machine, state, lua_gettop(state));
        var results = -1;
        try
        {
            if (!frame.Reserve(8)) return 0;
            lua_pushboolean(state, 1);
            results = machine.functions[(int)lua_tonumberx(state, UpvalueIndex(1), null)](frame);
            if (results >= 0 && machine.bytesUsed > machine.bytesMax) results = frame.Fail("not enough memory", 0);
        }
        catch (Exception broken)
        {
            // Whatever went wrong ends here as an error of the script; nothing flies through Lua's frames.
            results = frame.Fail(Encoding.UTF8.GetBytes("ERR internal error: " + broken.Message), 0);
        }

        machine.mayRefuse = before;
        return results < 0 ? 3 : results + 1;
    }
}
