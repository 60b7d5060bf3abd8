using System.Text;

namespace Holdfast.Vectors.Texts;

/// <summary>Letters of Latin scripts without their accents: what ASCII has in the place of each from U+00C0 to U+017F; all else stays. A table of our own, because replicas must fold alike whatever the machine knows of Unicode.</summary>
internal static class LatinFold
{
    private const int First = 0xC0;

    /// <summary>One for each letter, with spaces between; a dot where nothing is folded.</summary>
    private static readonly string[] Folded = (
        "A A A A A A AE C E E E E I I I I D N O O O O O . O U U U U Y TH ss a a a a a a ae c e e e e i i i i d n o o o o o . o u u u u y th y " +
        "A a A a A a C c C c C c C c D d D d E e E e E e E e E e G g G g G g G g H h H h I i I i I i I i I i IJ ij J j K k q L l L l L l L l L l " +
        "N n N n N n n N n O o O o O o OE oe R r R r R r S s S s S s S s T t T t T t U u U u U u U u U u U u W w Y y Y Z z Z z Z z s").Split(' ');

    /// <summary>A word, folded.</summary>
    public static string Of(string word)
    {
        if (!word.AsSpan().ContainsAnyInRange((char)First, (char)(First + Folded.Length - 1))) return word;
        var folded = new StringBuilder(word.Length + 4);
        foreach (var letter in word)
            if (letter >= First && letter < First + Folded.Length && Folded[letter - First] != ".") folded.Append(Folded[letter - First]);
            else folded.Append(letter);
        return folded.ToString();
    }
}
