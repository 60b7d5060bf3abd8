namespace Holdfast.Storage;

/// <summary>Fills the log's next segment ahead of its use, below everything else in priority: what is not ready in time the log does itself.</summary>
internal sealed class SpareThread : IDisposable
{
    private readonly AutoResetEvent asked = new(false);
    private readonly CancellationTokenSource stopping = new();
    private readonly WriteAheadLog log;
    private readonly Thread thread;

    public SpareThread(WriteAheadLog log)
    {
        this.log = log;
        thread = new Thread(Run) { Name = "wal-spare", IsBackground = true };
        thread.Start();
    }

    /// <summary>The log will need a spare. From the log's thread.</summary>
    public void Ask() => asked.Set();

    public void Dispose()
    {
        stopping.Cancel();
        asked.Set();
        thread.Join();
        asked.Dispose();
        stopping.Dispose();
    }

    private void Run()
    {
        ThreadRank.TakeLast();
        while (asked.WaitOne() && !stopping.IsCancellationRequested)
        {
            try
            {
                log.PrepareSpare(stopping.Token);
            }
            catch (IOException)
            {
                // No room, or a failing disk: the log itself finds out, where it matters, and says so.
            }
        }
    }
}
