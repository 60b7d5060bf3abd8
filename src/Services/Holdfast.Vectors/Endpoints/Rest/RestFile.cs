using System.IO.Pipelines;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>An answer that is a file and no JSON.</summary>
/// <param name="Content">The file, at its beginning; the door closes it.</param>
/// <param name="Name">What the client may call it.</param>
internal sealed record RestFile(Stream Content, string Name);

/// <summary>The first file of a body of <c>multipart/form-data</c>, read as it comes (RFC 7578).</summary>
internal static class FormFile
{
    private const int HeadBytesMax = 16 * 1024;

    /// <summary>Copies the file to a stream; its name as the client gave it.</summary>
    /// <exception cref="VectorFault">There is none.</exception>
    public static async Task<string> CopyAsync(PipeReader body, string contentType, Stream target, CancellationToken cancel)
    {
        var at = contentType.IndexOf("boundary=", StringComparison.OrdinalIgnoreCase);
        if (at < 0) throw VectorFault.BadInput("a snapshot is uploaded as multipart/form-data");
        var boundary = System.Text.Encoding.ASCII.GetBytes("\r\n--" + contentType[(at + 9)..].Split(';')[0].Trim().Trim('"'));
        await using var source = body.AsStream();
        var (buffer, length) = (new byte[128 * 1024], 0);
        var (name, isInFile) = ("", false);
        while (true)
        {
            var read = await source.ReadAsync(buffer.AsMemory(length), cancel).ConfigureAwait(false);
            length += read;
            if (!isInFile && buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) is >= 0 and var head)
            {
                name = NameIn(System.Text.Encoding.UTF8.GetString(buffer, 0, head));
                buffer.AsSpan(head + 4, length - head - 4).CopyTo(buffer);
                length -= head + 4;
                isInFile = true;
            }

            if (isInFile && buffer.AsSpan(0, length).IndexOf(boundary) is >= 0 and var end)
            {
                await target.WriteAsync(buffer.AsMemory(0, end), cancel).ConfigureAwait(false);
                return name;
            }

            if (read == 0) throw VectorFault.BadInput("the form ends in the middle of its file");
            if (!isInFile)
            {
                if (length > HeadBytesMax) throw VectorFault.BadInput("the form's first part has no end of its headers");
                continue;
            }

            // A boundary may lie across two reads: as many bytes stay.
            var sure = Math.Max(0, length - boundary.Length);
            await target.WriteAsync(buffer.AsMemory(0, sure), cancel).ConfigureAwait(false);
            buffer.AsSpan(sure, length - sure).CopyTo(buffer);
            length -= sure;
        }
    }

    private static string NameIn(string headers)
    {
        var at = headers.IndexOf("filename=\"", StringComparison.OrdinalIgnoreCase);
        var end = at < 0 ? -1 : headers.IndexOf('"', at + 10);
        return end < 0 ? "upload.snapshot" : Path.GetFileName(headers[(at + 10)..end]);
    }
}
