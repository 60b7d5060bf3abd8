using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// Fits a script that is written for Lua 5.1 to the compiler of 5.4, token by token, without moving a line: numbers become floats (5.1 knows no others: no overflow, no integer division by zero); <c>a .. b</c> becomes
/// <c>a .. nil .. b</c>, whose nil shows numbers as 5.1 does (<see cref="ScriptPrelude"/>); a backslash before a letter that 5.1 takes as itself goes; and <c>return f()</c> becomes <c>return __select(1, f())</c>, so that the frame is
/// still there when an error asks where it happened. What it does not understand it leaves to the compiler.
/// </summary>
internal static class SourceFitter
{
    /// <summary>Functions and blocks within the expressions of a return; what is nested deeper the compiler refuses too.</summary>
    private const int NestingMax = 200;

    /// <summary>Writes the fitted text over what the target holds.</summary>
    public static void Fit(ReadOnlySpan<byte> source, ByteBuffer target)
    {
        target.Clear();
        var tokens = SourceLexer.Read(source);
        var closing = new Dictionary<int, int>(); // After how many parentheses a token is followed by.
        var opening = new HashSet<int>();
        for (var i = 0; i < tokens.Count; i++)
        {
            if (!Is(source, tokens[i], "return"u8) || EndOf(source, tokens, i + 1) is not (> 0 and var end) || end == i + 1 || !MayBeCall(source, tokens[end - 1]) || (end == i + 2 && tokens[i + 1].Kind == SourceKind.Text)) continue;
            opening.Add(i);
            closing[end - 1] = closing.GetValueOrDefault(end - 1) + 1;
        }

        var writer = new SpanWriter(target);
        var copied = 0;
        for (var i = 0; i < tokens.Count; i++)
        {
            var token = tokens[i];
            writer.WriteBytes(source[copied..token.Start]);
            var text = source[token.Start..token.End];
            if (token.Kind == SourceKind.Text) WriteText(text, writer);
            else writer.WriteBytes(text);
            copied = token.End;
            if (token.Kind == SourceKind.Whole && !IsIndex(source, tokens, i)) writer.WriteBytes(text.Length > 1 && (text[1] | 0x20) == 'x' ? "p0"u8 : ".0"u8);
            else if (token.Kind == SourceKind.Dots && !IsBetweenTexts(source, tokens, i)) writer.WriteBytes(" nil .."u8);
            else if (opening.Contains(i)) writer.WriteBytes(" __select(1,"u8);
            for (var left = closing.GetValueOrDefault(i); left > 0; left--) writer.WriteByte((byte)')');
        }

        writer.WriteBytes(source[copied..]);
    }

    /// <summary>The token before which a return's expressions end; 0 when that cannot be said.</summary>
    private static int EndOf(ReadOnlySpan<byte> source, List<SourceToken> tokens, int from)
    {
        var (blocks, brackets) = (0, 0);
        for (var i = from; i < tokens.Count; i++)
        {
            var token = tokens[i];
            if (token.Kind == SourceKind.Name)
            {
                var word = source[token.Start..token.End];
                if (word.SequenceEqual("function"u8) || word.SequenceEqual("if"u8) || word.SequenceEqual("do"u8) || word.SequenceEqual("repeat"u8))
                {
                    if (++blocks > NestingMax) return 0;
                }
                else if (word.SequenceEqual("end"u8) || word.SequenceEqual("until"u8))
                {
                    if (blocks-- == 0) return i;
                }
                else if (blocks == 0 && (word.SequenceEqual("else"u8) || word.SequenceEqual("elseif"u8)))
                {
                    return i;
                }
            }
            else if (token.Kind == SourceKind.Other && blocks == 0)
            {
                switch (source[token.Start])
                {
                    case (byte)'(' or (byte)'{' or (byte)'[': brackets++; break;
                    case (byte)')' or (byte)'}' or (byte)']': brackets--; break;
                    case (byte)';' when brackets == 0: return i;
                }
            }
        }

        return tokens.Count;
    }

    private static bool MayBeCall(ReadOnlySpan<byte> source, SourceToken last) => last.Kind == SourceKind.Text || (last.Kind == SourceKind.Other && source[last.Start] is (byte)')' or (byte)'}');

    /// <summary>An index that stands alone between brackets stays a whole number: it means the same, and is found faster.</summary>
    private static bool IsIndex(ReadOnlySpan<byte> source, List<SourceToken> tokens, int i) =>
        i > 0 && i + 1 < tokens.Count && tokens[i].End - tokens[i].Start < 15 && Is(source, tokens[i - 1], "["u8) && Is(source, tokens[i + 1], "]"u8);

    /// <summary>Whether both sides are texts as they stand: then nothing is to be shown.</summary>
    private static bool IsBetweenTexts(ReadOnlySpan<byte> source, List<SourceToken> tokens, int i)
    {
        if (i == 0 || i + 1 >= tokens.Count || tokens[i - 1].Kind != SourceKind.Text || tokens[i + 1].Kind != SourceKind.Text) return false;
        var isLeftAlone = i == 1 || tokens[i - 2].Kind == SourceKind.Dots || (tokens[i - 2].Kind == SourceKind.Other && source[tokens[i - 2].Start] is (byte)'(' or (byte)',' or (byte)'=' or (byte)'{') || Is(source, tokens[i - 2], "return"u8);
        var isRightAlone = i + 2 >= tokens.Count || tokens[i + 2].Kind is SourceKind.Dots or SourceKind.Name || (tokens[i + 2].Kind == SourceKind.Other && source[tokens[i + 2].Start] is (byte)')' or (byte)',' or (byte)';' or (byte)'}');
        return isLeftAlone && isRightAlone;
    }

    private static bool Is(ReadOnlySpan<byte> source, SourceToken token, ReadOnlySpan<byte> text) => token.Kind is SourceKind.Name or SourceKind.Other && source[token.Start..token.End].SequenceEqual(text);

    private static void WriteText(ReadOnlySpan<byte> text, SpanWriter writer)
    {
        if (text[0] == '[' || text.IndexOf((byte)'\\') < 0)
        {
            writer.WriteBytes(text);
            return;
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                writer.WriteByte(text[i]);
                continue;
            }

            var letter = text[++i];
            if (letter is (byte)'\n' or (byte)'\r' or (byte)'\\' or (byte)'"' or (byte)'\'' or (>= (byte)'0' and <= (byte)'9') || "abfnrtv"u8.Contains(letter)) writer.WriteByte((byte)'\\');
            writer.WriteByte(letter);
        }
    }
}
