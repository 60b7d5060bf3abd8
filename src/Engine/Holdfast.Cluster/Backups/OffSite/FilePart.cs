namespace Holdfast.Cluster;

/// <summary>Bytes of a file that may be appended to meanwhile, as a stream.</summary>
/// <param name="path">The file.</param>
/// <param name="from">The first of them.</param>
/// <param name="bytes">How many.</param>
internal sealed class FilePart(string path, long from, long bytes) : Stream
{
    private readonly FileStream file = Open(path, from);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => bytes;

    public override long Position
    {
        get => file.Position - from;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => file.Read(buffer[..LeftOf(buffer.Length)]);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => file.ReadAsync(buffer[..LeftOf(buffer.Length)], cancellationToken);

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) file.Dispose();
        base.Dispose(disposing);
    }

    private static FileStream Open(string path, long from)
    {
        var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
        file.Position = from;
        return file;
    }

    private int LeftOf(int wanted) => (int)Math.Min(wanted, Math.Max(0, bytes - Position));
}
