using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Holdfast.Primitives;

/// <summary>What must be true for the data to be safe. Always on, in every build: a node that finds one broken stops before it can do harm.</summary>
[StackTraceHidden]
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantBrokenException"/> unless <paramref name="condition"/> is true.</summary>
    /// <param name="condition">One condition; two conditions are two calls.</param>
    /// <param name="sentence">What is broken, in words for an operator at 3 a.m.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Holds([DoesNotReturnIf(false)] bool condition, string sentence)
    {
        if (!condition) Broken(sentence);
    }

    /// <summary>For a branch that cannot be reached.</summary>
    [DoesNotReturn]
    public static void Broken(string sentence) => throw new InvariantBrokenException(sentence);
}

/// <summary>A broken invariant. Nothing catches it to go on: the process (in the simulator: the run) ends.</summary>
public sealed class InvariantBrokenException(string sentence) : Exception(sentence);
