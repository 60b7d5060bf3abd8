using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace.Tests;

/// <summary>Requests as bytes.</summary>
internal static class Request
{
    public static byte[] Of(IReadOnlyList<string> words)
    {
        var bytes = new List<byte>(Encoding.ASCII.GetBytes($"*{words.Count}\r\n"));
        foreach (var word in words)
        {
            var text = Encoding.Latin1.GetBytes(word);
            bytes.AddRange(Encoding.ASCII.GetBytes($"${text.Length}\r\n"));
            bytes.AddRange(text);
            bytes.AddRange("\r\n"u8);
        }

        return [.. bytes];
    }

    /// <summary>The content of the bulk string at the beginning of these bytes, and how long the whole is.</summary>
    public static string BulkIn(ReadOnlySpan<byte> reply, out int length)
    {
        length = RespReply.Measure(reply);
        Assert.True(length > 0 && reply[0] == '$', "no bulk string: " + RespReply.ToText(reply));
        var start = reply.IndexOf((byte)'\n') + 1;
        return Encoding.Latin1.GetString(reply[start..(length - 2)]);
    }

    /// <summary>The file that SYNC replies: its length as a bulk string's, its bytes, and no line end; false when it is not all there.</summary>
    public static bool TryFile(ReadOnlySpan<byte> reply, out byte[] file)
    {
        file = [];
        var start = reply.IndexOf((byte)'\n') + 1;
        if (start == 0) return false;
        Assert.True(reply[0] == '$', "no file: " + Encoding.Latin1.GetString(reply[..start]));
        var length = int.Parse(reply[1..(start - 2)], System.Globalization.CultureInfo.InvariantCulture);
        if (reply.Length < start + length) return false;
        file = reply[start..(start + length)].ToArray();
        return true;
    }

    /// <summary>A line as a person writes it, quotes and escapes as in redis-cli.</summary>
    public static string[] Split(string line)
    {
        var reader = new RespRequestReader();
        var bytes = Encoding.Latin1.GetBytes(line + "\n");
        Assert.Equal(RespProgress.Ready, reader.Read(bytes, 0, bytes.Length, new RespLimits()));
        return [.. Enumerable.Range(0, reader.Arguments.Count).Select(i => Encoding.Latin1.GetString(reader.Arguments[i]))];
    }
}
