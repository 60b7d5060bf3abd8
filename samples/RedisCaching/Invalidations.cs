using System.Globalization;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;

namespace RedisCaching;

/// <summary>A connection that says which keys change: RESP3 and CLIENT TRACKING, and nothing else is asked on it.</summary>
internal sealed class Invalidations : IDisposable
{
    private readonly TcpClient client;
    private readonly Stream stream;

    private Invalidations(TcpClient client) => (this.client, stream) = (client, new BufferedStream(client.GetStream()));

    /// <summary>Asks to be told of the keys that begin so; returns when the node has agreed.</summary>
    public static async Task<Invalidations> StartAsync(TcpClient client, string prefix, CancellationToken cancellation)
    {
        var started = new Invalidations(client);
        await started.AskAsync(["HELLO", "3"], cancellation);
        await started.AskAsync(["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", prefix], cancellation);
        return started;
    }

    /// <summary>The keys as they are changed; null means all.</summary>
    public async IAsyncEnumerable<string?> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            if (await ReadValueAsync(cancellation) is not object?[] { Length: 2 } push || push[0] is not "invalidate") continue;
            if (push[1] is not object?[] keys) yield return null;
            else
                foreach (var key in keys) yield return (string)key!;
        }
    }

    public void Dispose() => client.Dispose();

    private async Task AskAsync(string[] words, CancellationToken cancellation)
    {
        var request = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (var word in words) request.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request.ToString()), cancellation);
        await stream.FlushAsync(cancellation);
        if (await ReadValueAsync(cancellation) is IOException refused) throw refused;
    }

    private async Task<object?> ReadValueAsync(CancellationToken cancellation)
    {
        var line = await ReadLineAsync(cancellation);
        var count = line[0] is '$' or '*' or '>' or '%' or '~' or '=' ? int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture) : 0;
        switch (line[0])
        {
            case '-':
                return new IOException(line[1..]);
            case '_':
                return null;
            case '$' or '=':
                var bytes = new byte[count + 2];
                await stream.ReadExactlyAsync(bytes, cancellation);
                return Encoding.UTF8.GetString(bytes.AsSpan(0, count));
            case '*' or '>' or '%' or '~':
                if (count < 0) return null;
                var values = new object?[line[0] == '%' ? 2 * count : count];
                for (var i = 0; i < values.Length; i++) values[i] = await ReadValueAsync(cancellation);
                return values;
            default:
                return line[1..];
        }
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        var line = new List<byte>();
        var next = new byte[1];
        while (true)
        {
            await stream.ReadExactlyAsync(next, cancellation);
            if (next[0] == '\n' && line is [_, ..] && line[^1] == '\r') return Encoding.UTF8.GetString([.. line[..^1]]);
            line.Add(next[0]);
        }
    }
}
