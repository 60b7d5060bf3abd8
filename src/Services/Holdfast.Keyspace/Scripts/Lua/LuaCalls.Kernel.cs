using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Holdfast.Keyspace;

/// <summary>
/// The calls of Lua 5.4's C interface that scripts need, in the native library that the package KeraLua brings. Bound by hand and not through the package's own classes: those make a delegate for each function
/// and let Lua's longjmp pass through managed frames, which must never happen here (<see cref="LuaMachine"/>).
/// </summary>
internal static unsafe partial class LuaCalls
{
    public const int RegistryIndex = -1_001_000;
    public const int MultipleResults = -1;
    public const int CountMask = 8;
    public const int MemoryError = 4;

    public const int TypeNil = 0;
    public const int TypeBoolean = 1;
    public const int TypeNumber = 3;
    public const int TypeString = 4;
    public const int TypeTable = 5;
    public const int TypeFunction = 6;

    private const string Library = "lua54";

    /// <summary>An index that means a closure's own value.</summary>
    public static int UpvalueIndex(int number) => RegistryIndex - number;

    [LibraryImport(Library)]
    public static partial nint lua_newstate(delegate* unmanaged[Cdecl]<nint, void*, nuint, nuint, void*> allocate, nint owner);

    [LibraryImport(Library)]
    public static partial void lua_close(nint state);

    [LibraryImport(Library)]
    public static partial void luaL_openlibs(nint state);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial int lua_gettop(nint state);

    [LibraryImport(Library)]
    public static partial void lua_settop(nint state, int index);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void lua_rotate(nint state, int index, int count);

    [LibraryImport(Library)]
    public static partial int lua_checkstack(nint state, int count);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial int lua_type(nint state, int index);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial int lua_isinteger(nint state, int index);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial int lua_toboolean(nint state, int index);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial double lua_tonumberx(nint state, int index, int* isNumber);

    [LibraryImport(Library)]
    public static partial byte* lua_tolstring(nint state, int index, nuint* length);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial ulong lua_rawlen(nint state, int index);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void lua_pushvalue(nint state, int index);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void lua_pushnil(nint state);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void lua_pushboolean(nint state, int value);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void lua_pushnumber(nint state, double value);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void lua_pushinteger(nint state, long value);

    [LibraryImport(Library)]
    public static partial byte* lua_pushlstring(nint state, byte* bytes, nuint length);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void lua_pushlightuserdata(nint state, nint value);

    [LibraryImport(Library)]
    public static partial void lua_pushcclosure(nint state, delegate* unmanaged[Cdecl]<nint, int> function, int upvalues);

    [LibraryImport(Library)]
    public static partial void lua_createtable(nint state, int elements, int fields);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial int lua_rawget(nint state, int index);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial int lua_rawgeti(nint state, int index, long element);

    [LibraryImport(Library)]
    public static partial void lua_rawset(nint state, int index);

    [LibraryImport(Library)]
    public static partial void lua_rawseti(nint state, int index, long element);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial int lua_next(nint state, int index);

    [LibraryImport(Library)]
    public static partial byte* lua_setupvalue(nint state, int function, int number);

    [LibraryImport(Library)]
    public static partial int lua_pcallk(nint state, int arguments, int results, int handler, nint context, nint continuation);

    [LibraryImport(Library)]
    public static partial int luaL_loadbufferx(nint state, byte* bytes, nuint length, byte* name, byte* mode);

    [LibraryImport(Library)]
    public static partial int luaL_ref(nint state, int table);

    [LibraryImport(Library)]
    public static partial void luaL_unref(nint state, int table, int reference);

    [LibraryImport(Library)]
    public static partial void lua_sethook(nint state, nint hook, int mask, int count);

    /// <summary>Variadic in C; with one further whole number it is called like any other function (System V and AAPCS64).</summary>
    [LibraryImport(Library)]
    public static partial int lua_gc(nint state, int what, int data);

    /// <summary>Where <c>luaL_error</c> is: it is also a hook that raises an error (<see cref="LuaMachine"/>).</summary>
    public static nint RaisingHook { get; } = NativeLibrary.GetExport(NativeLibrary.Load(Library, typeof(LuaCalls).Assembly, null), "luaL_error");
}
