using System.Text;
using static Holdfast.Keyspace.LuaCalls;

namespace Holdfast.Keyspace;

/// <summary>The stack of Lua as a function of ours sees it: arguments at 1 to <see cref="Count"/>, results are pushed. Nothing in it raises an error of Lua.</summary>
internal readonly unsafe struct LuaFrame(LuaMachine machine, nint state, int count)
{
    public LuaMachine Machine => machine;

    public nint State => state;

    /// <summary>How many arguments there are.</summary>
    public int Count => count;

    public int Top => lua_gettop(state);

    /// <summary>Room for so many further values; false when there is none.</summary>
    public bool Reserve(int values) => lua_checkstack(state, values) != 0;

    /// <summary>One of the types in <see cref="LuaCalls"/>; -1 for an argument that is not there.</summary>
    public int TypeOf(int index) => index > count && index > 0 && index > lua_gettop(state) ? -1 : lua_type(state, index);

    /// <summary>The type's name, as Lua says it in errors.</summary>
    public string TypeName(int index) => index > 0 && index > count ? "no value" : TypeOf(index) switch
    {
        TypeNil => "nil", TypeBoolean => "boolean", TypeNumber => "number", TypeString => "string", TypeTable => "table", TypeFunction => "function", 8 => "thread", _ => "userdata",
    };

    public bool IsString(int index) => index <= count && lua_type(state, index) == TypeString;

    public bool IsNumber(int index) => lua_type(state, index) == TypeNumber;

    public bool Boolean(int index) => lua_toboolean(state, index) != 0;

    /// <summary>A number as 5.1 has it: always a float.</summary>
    public double Number(int index) => lua_tonumberx(state, index, null);

    /// <summary>A number, or a text that reads as one.</summary>
    public bool TryNumber(int index, out double number)
    {
        int isNumber = 0;
        number = index <= count || index < 0 ? lua_tonumberx(state, index, &isNumber) : 0;
        return isNumber != 0;
    }

    /// <summary>The bytes of a string; valid while it stands on the stack. Of anything else: none.</summary>
    public ReadOnlySpan<byte> Bytes(int index)
    {
        if (lua_type(state, index) != TypeString) return default;
        nuint length;
        var bytes = lua_tolstring(state, index, &length);
        return new ReadOnlySpan<byte>(bytes, checked((int)length));
    }

    /// <summary>Fails the function: what it returns then. The message may get "where:" before it.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="level">1: the place of the caller is put before it; 0: as it is; -1: as an error of Redis, a table.</param>
    public int Fail(ReadOnlySpan<byte> message, int level = 1)
    {
        lua_settop(state, count);
        lua_pushboolean(state, 0);
        Push(message);
        lua_pushinteger(state, level);
        return -1;
    }

    public int Fail(string message, int level = 1) => Fail(Encoding.UTF8.GetBytes(message), level);

    /// <summary>As Lua's own functions refuse an argument.</summary>
    public int FailArgument(int number, string function, string why) => Fail($"bad argument #{number} to '{function}' ({why})");

    public void Push(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes) lua_pushlstring(state, first, (nuint)bytes.Length);
    }

    public void Push(string text) => Push(Encoding.UTF8.GetBytes(text));

    public void Push(double number) => lua_pushnumber(state, number);

    public void Push(bool value) => lua_pushboolean(state, value ? 1 : 0);

    public void PushNil() => lua_pushnil(state);

    public void PushNothing() => lua_pushlightuserdata(state, 0);

    public void PushCopy(int index) => lua_pushvalue(state, index);

    public void PushTable(int elements, int fields) => lua_createtable(state, elements, fields);

    /// <summary>Takes the value from the top into a table's element.</summary>
    public void SetElement(int table, long element) => lua_rawseti(state, table, element);

    /// <summary>Takes key and value from the top into a table.</summary>
    public void SetField(int table) => lua_rawset(state, table);

    /// <summary>Sets a field to the value on top, which it takes.</summary>
    public void SetField(int table, ReadOnlySpan<byte> name)
    {
        var at = table < 0 ? table - 1 : table;
        Push(name);
        lua_rotate(state, -2, 1);
        lua_rawset(state, at);
    }

    /// <summary>Pushes a table's field, whatever metatables say; its type.</summary>
    public int PushField(int table, ReadOnlySpan<byte> name)
    {
        var at = table < 0 ? table - 1 : table;
        Push(name);
        return lua_rawget(state, at);
    }

    /// <summary>Pushes a table's element; its type.</summary>
    public int PushElement(int table, long element) => lua_rawgeti(state, table, element);

    /// <summary>Replaces the key on top by the next key and its value; false at the end, with nothing on top.</summary>
    public bool Next(int table) => lua_next(state, table) != 0;

    public long LengthOf(int index) => (long)lua_rawlen(state, index);

    public void Pop(int values = 1) => lua_settop(state, -values - 1);
}
