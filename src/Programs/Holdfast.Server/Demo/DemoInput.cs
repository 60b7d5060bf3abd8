using System.Threading.Channels;

namespace Holdfast.Server.Demo;

/// <summary>The lines of standard input. They are read on a thread of its own, because a read of the console cannot be cancelled and the demo must end at SIGTERM all the same.</summary>
internal sealed class DemoInput
{
    /// <summary>Lines that wait to be done; the reader waits when there are more.</summary>
    private const int LinesMax = 64;

    private readonly Channel<string> lines = Channel.CreateBounded<string>(LinesMax);

    public DemoInput() => new Thread(Read) { IsBackground = true, Name = "demo-input" }.Start();

    /// <summary>The next line; null when there will be none.</summary>
    public async Task<string?> NextAsync(CancellationToken cancel) =>
        await lines.Reader.WaitToReadAsync(cancel) && lines.Reader.TryRead(out var line) ? line : null;

    private void Read()
    {
        while (Console.In.ReadLine() is { } line) lines.Writer.WriteAsync(line).AsTask().Wait();
        lines.Writer.Complete();
    }
}
