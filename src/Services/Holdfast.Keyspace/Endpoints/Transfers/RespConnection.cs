using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Holdfast.Keyspace.Endpoints.Transfers;

/// <summary>An error that a server replied.</summary>
internal sealed record RespError(string Text)
{
    public bool Is(string code) => Text.StartsWith(code, StringComparison.Ordinal);
}

/// <summary>A connection to any server of the Redis protocol, as a client: commands are gathered and sent together, replies are read in order. Replies are texts (byte[]), numbers (long), null, lists (object?[]) or <see cref="RespError"/>.</summary>
internal sealed class RespConnection : IDisposable
{
    private static readonly TimeSpan ConnectMax = TimeSpan.FromSeconds(5);

    private readonly Socket socket;
    private readonly MemoryStream gathered = new();
    private byte[] buffer = new byte[64 * 1024];
    private int at;
    private int end;

    private RespConnection(Socket socket) => this.socket = socket;

    /// <summary>Bytes that were read and used.</summary>
    public long BytesUsed { get; private set; }

    /// <exception cref="ConnectionGoneException">Nobody answers there.</exception>
    public static async Task<RespConnection> OpenAsync(string host, int port, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        late.CancelAfter(ConnectMax);
        try
        {
            await socket.ConnectAsync(host, port, late.Token).ConfigureAwait(false);
            return new RespConnection(socket);
        }
        catch (Exception fault) when (fault is SocketException || (fault is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            socket.Dispose();
            throw new ConnectionGoneException($"nobody answers at {host}:{port}");
        }
    }

    public static byte[] Word(string text) => Encoding.UTF8.GetBytes(text);

    public static byte[] Word(long number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Adds a command to what is sent next.</summary>
    public void Gather(params ReadOnlySpan<byte[]> words)
    {
        gathered.Write(Word($"*{words.Length}\r\n"));
        foreach (var word in words)
        {
            gathered.Write(Word($"${word.Length}\r\n"));
            gathered.Write(word);
            gathered.Write("\r\n"u8);
        }
    }

    /// <summary>Sends what was gathered.</summary>
    public async Task SendAsync(CancellationToken cancellation)
    {
        try
        {
            for (var rest = gathered.GetBuffer().AsMemory(0, (int)gathered.Length); rest.Length > 0;) rest = rest[await socket.SendAsync(rest, SocketFlags.None, cancellation).ConfigureAwait(false)..];
        }
        catch (SocketException broken)
        {
            throw new ConnectionGoneException(broken.Message);
        }

        gathered.SetLength(0);
    }

    /// <summary>Asks one thing.</summary>
    public async Task<object?> AskAsync(CancellationToken cancellation, params byte[][] words)
    {
        Gather(words);
        await SendAsync(cancellation).ConfigureAwait(false);
        return await ReadAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>As <see cref="AskAsync(CancellationToken, byte[][])"/>, for words that are text.</summary>
    public Task<object?> AskAsync(CancellationToken cancellation, params string[] words) => AskAsync(cancellation, Array.ConvertAll(words, Word));

    /// <summary>The next reply.</summary>
    public async Task<object?> ReadAsync(CancellationToken cancellation)
    {
        var line = await ReadLineAsync(cancellation).ConfigureAwait(false);
        if (line.Length == 0) throw new TransferFailedException("what answers there does not speak the Redis protocol");
        var text = line[1..];
        switch (line[0])
        {
            case '-': return new RespError(text);
            case ':': return long.Parse(text, CultureInfo.InvariantCulture);
            case '+': return Word(text);
            case '$' or '*':
                var count = int.Parse(text, CultureInfo.InvariantCulture);
                if (count < 0) return null;
                if (line[0] == '$')
                {
                    var bulk = await ReadBytesAsync(count, cancellation).ConfigureAwait(false);
                    await ReadBytesAsync(2, cancellation).ConfigureAwait(false);
                    return bulk;
                }

                var list = new object?[count];
                for (var i = 0; i < count; i++) list[i] = await ReadAsync(cancellation).ConfigureAwait(false);
                return list;
            default: throw new TransferFailedException("what answers there does not speak the Redis protocol");
        }
    }

    /// <summary>The next line, without its end.</summary>
    public async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        int stop;
        while ((stop = buffer.AsSpan(at, end - at).IndexOf("\r\n"u8)) < 0) await FetchAsync(cancellation).ConfigureAwait(false);
        var line = Encoding.UTF8.GetString(buffer, at, stop);
        Use(stop + 2);
        return line;
    }

    /// <summary>Skips the bare line ends that a master sends while it makes a snapshot.</summary>
    public async Task SkipLineEndsAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (at == end) await FetchAsync(cancellation).ConfigureAwait(false);
            if (buffer[at] != '\n') return;
            Use(1);
        }
    }

    /// <summary>Copies so many bytes.</summary>
    public async Task CopyToAsync(Stream target, long count, CancellationToken cancellation)
    {
        while (count > 0)
        {
            if (at == end) await FetchAsync(cancellation).ConfigureAwait(false);
            var part = (int)Math.Min(count, end - at);
            await target.WriteAsync(buffer.AsMemory(at, part), cancellation).ConfigureAwait(false);
            Use(part);
            count -= part;
        }
    }

    public void Dispose()
    {
        socket.Dispose();
        gathered.Dispose();
    }

    private async Task<byte[]> ReadBytesAsync(int count, CancellationToken cancellation)
    {
        var bytes = new byte[count];
        for (var have = 0; have < count;)
        {
            if (at == end) await FetchAsync(cancellation).ConfigureAwait(false);
            var part = Math.Min(count - have, end - at);
            buffer.AsSpan(at, part).CopyTo(bytes.AsSpan(have));
            Use(part);
            have += part;
        }

        return bytes;
    }

    private void Use(int count)
    {
        at += count;
        BytesUsed += count;
    }

    private async Task FetchAsync(CancellationToken cancellation)
    {
        if (at == end) at = end = 0;
        else if (end == buffer.Length && at > 0)
        {
            buffer.AsSpan(at, end - at).CopyTo(buffer);
            (at, end) = (0, end - at);
        }

        if (end == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        int read;
        try
        {
            read = await socket.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None, cancellation).ConfigureAwait(false);
        }
        catch (SocketException broken)
        {
            throw new ConnectionGoneException(broken.Message);
        }

        if (read == 0) throw new ConnectionGoneException("the server closed the connection");
        end += read;
    }
}

/// <summary>A connection broke.</summary>
internal sealed class ConnectionGoneException(string message) : IOException(message);
