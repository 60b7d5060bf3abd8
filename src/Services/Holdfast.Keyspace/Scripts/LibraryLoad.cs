using System.Text;
using Holdfast.Primitives;
using static Holdfast.Keyspace.LuaCalls;

namespace Holdfast.Keyspace;

/// <summary>A function that a library has registered.</summary>
internal sealed record LibraryFunction(string Name, string? Description, ScriptFlags Flags, int Reference);

/// <summary>A library while it is loaded: what it says of itself, and the functions it registers.</summary>
internal sealed class LibraryLoad(string library, Instant startedAt)
{
    private const string NameRule = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

    private readonly Dictionary<string, LibraryFunction> functions = new(StringComparer.Ordinal);

    public string Library => library;

    public Instant StartedAt => startedAt;

    public IReadOnlyDictionary<string, LibraryFunction> Functions => functions;

    public static bool IsName(string name) => name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');

    /// <summary>Reads the first line of a library; false with the words of Redis.</summary>
    public static bool TryReadHead(ReadOnlySpan<byte> code, out string name, out int bodyStart, out string fault)
    {
        (name, bodyStart, fault) = ("", 0, "");
        if (!code.StartsWith("#!"u8)) fault = "ERR Missing library metadata";
        else if ((bodyStart = code.IndexOf((byte)'\n')) < 0) fault = "ERR Invalid library metadata";
        if (fault.Length > 0) return false;
        if (!TryWords(code[2..bodyStart], out var words))
        {
            fault = "ERR Invalid library metadata";
            return false;
        }

        var given = default(string);
        foreach (var word in words.Skip(1))
        {
            if (!word.StartsWith("name=", StringComparison.OrdinalIgnoreCase)) fault = $"ERR Invalid metadata value given: {word}";
            else if (given is not null) fault = "ERR Invalid metadata value, name argument was given multiple times";
            else given = word[5..];
            if (fault.Length > 0) return false;
        }

        if (given is null) fault = "ERR Library name was not given";
        else if (!IsName(name = given)) fault = "ERR " + NameRule;
        else if (!words[0].Equals("lua", StringComparison.OrdinalIgnoreCase)) fault = $"ERR Engine '{words[0]}' not found";
        return fault.Length == 0;
    }

    /// <summary>The words of the first line, quoted or not; false when there is none, or a quote is open.</summary>
    private static bool TryWords(ReadOnlySpan<byte> line, out string[] words)
    {
        var (bytes, parts) = (new byte[line.Length], new Wire.Resp.RespArguments());
        parts.Begin(bytes);
        var isSplit = Wire.Resp.RespLine.TrySplit(line, bytes, parts) && parts.Count > 0;
        words = new string[isSplit ? parts.Count : 0];
        for (var i = 0; i < words.Length; i++) words[i] = Encoding.UTF8.GetString(parts[i]);
        return isSplit;
    }

    /// <summary>redis.register_function.</summary>
    public int Register(LuaFrame frame)
    {
        return frame.Count switch
        {
            1 => RegisterNamed(frame),
            2 => RegisterPlain(frame),
            _ => Refuse(frame, "wrong number of arguments to redis.register_function"),
        };
    }

    private static int Refuse(LuaFrame frame, string why) => frame.Fail("ERR " + why, -1);

    private int RegisterPlain(LuaFrame frame)
    {
        if (!frame.IsString(1) && !frame.IsNumber(1)) return Refuse(frame, "first argument to redis.register_function must be a string");
        if (frame.TypeOf(2) != TypeFunction) return Refuse(frame, "second argument to redis.register_function must be a function");
        frame.PushCopy(2);
        return Add(frame, TextOf(frame, 1), null, ScriptFlags.None, frame.Machine.Keep());
    }

    private int RegisterNamed(LuaFrame frame)
    {
        if (frame.TypeOf(1) != TypeTable) return Refuse(frame, "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).");
        string? name = null, description = null;
        var (reference, flags) = (0, ScriptFlags.None);
        frame.PushNil();
        while (frame.Next(1))
        {
            if (frame.TypeOf(-2) != TypeString) return Refuse(frame, "named argument key given to redis.register_function is not a string");
            switch (Encoding.UTF8.GetString(frame.Bytes(-2)).ToLowerInvariant())
            {
                case "function_name":
                    if (frame.TypeOf(-1) is not (TypeString or TypeNumber)) return Refuse(frame, "function_name argument given to redis.register_function must be a string");
                    name = TextOf(frame, -1);
                    break;
                case "description":
                    if (frame.TypeOf(-1) is not (TypeString or TypeNumber)) return Refuse(frame, "description argument given to redis.register_function must be a string");
                    description = TextOf(frame, -1);
                    break;
                case "callback":
                    if (frame.TypeOf(-1) != TypeFunction) return Refuse(frame, "callback argument given to redis.register_function must be a function");
                    frame.PushCopy(-1);
                    reference = frame.Machine.Keep();
                    break;
                case "flags":
                    if (frame.TypeOf(-1) != TypeTable) return Refuse(frame, "flags argument to redis.register_function must be a table representing function flags");
                    if (!TryFlags(frame, out flags)) return Refuse(frame, "unknown flag given");
                    break;
                default:
                    return Refuse(frame, "unknown argument given to redis.register_function");
            }

            frame.Pop();
        }

        if (name is null) return Refuse(frame, "redis.register_function must get a function name argument");
        return reference == 0 ? Refuse(frame, "redis.register_function must get a callback argument") : Add(frame, name, description, flags, reference);
    }

    private static string TextOf(LuaFrame frame, int index) => frame.IsNumber(index) ? GeneralNumber.Show(frame.Number(index), 14) : Encoding.UTF8.GetString(frame.Bytes(index));

    private static bool TryFlags(LuaFrame frame, out ScriptFlags flags)
    {
        flags = ScriptFlags.None;
        for (var i = 1; ; i++)
        {
            if (frame.PushElement(-1, i) == TypeNil)
            {
                frame.Pop();
                return true;
            }

            var isKnown = ScriptFlagNames.TryParse(Encoding.UTF8.GetString(frame.Bytes(-1)), out var flag);
            frame.Pop();
            if (!isKnown) return false;
            flags |= flag;
        }
    }

    private int Add(LuaFrame frame, string name, string? description, ScriptFlags flags, int reference)
    {
        if (!IsName(name)) return Refuse(frame, NameRule);
        if (!functions.TryAdd(name, new LibraryFunction(name, description, flags, reference))) return Refuse(frame, "Function already exists in the library");
        return 0;
    }
}
