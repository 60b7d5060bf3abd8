using System.Runtime.InteropServices;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>Lua's native library, without which no script runs. It stands beside the program, and a program that was copied alone lacks it.</summary>
public static class ScriptLibrary
{
    /// <summary>Whether it can be loaded. Asked before anything is served: a script is executed in the middle of the log's work, where there is no way back.</summary>
    public static bool IsThere => NativeLibrary.TryLoad("lua54", typeof(ScriptLibrary).Assembly, null, out _);
}
