using System.Text;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// The settings that CONFIG REWRITE wrote, a line each: a name, a blank, a value. It is this node's alone, stands in its data directory, and is written by the program only; a line that is not understood any more is passed
/// over, and said.
/// </summary>
internal sealed class SettingFile(string path, Action<Action> post) : ISettingFile
{
    private const int BytesMax = 64 * 1024;

    private Task writing = Task.CompletedTask;

    public void Write(IReadOnlyList<(string Name, string Value)> settings, Action<string?> done)
    {
        var text = new StringBuilder("# Written by CONFIG REWRITE; the node reads it when it starts.\n");
        foreach (var (name, value) in settings) text.Append(name).Append(' ').Append(value).Append('\n');

        // One after the other: the last who asked is the one whose settings stay.
        writing = writing.ContinueWith(_ =>
        {
            var fault = Replace(text.ToString());
            post(() => done(fault));
        }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    /// <summary>Sets what was written; what cannot be set is said.</summary>
    public void ReadInto(SettingTable settings, Action<string> say)
    {
        string[] lines;
        try
        {
            if (!File.Exists(path)) return;
            if (new FileInfo(path).Length > BytesMax) throw new IOException("it is too large to be ours");
            lines = File.ReadAllLines(path, Encoding.Latin1);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            say($"{path} cannot be read, so the settings are those of a new node: {unreadable.Message}");
            return;
        }

        foreach (var line in lines)
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var (name, value) = line.IndexOf(' ', StringComparison.Ordinal) is > 0 and var end ? (line[..end], line[(end + 1)..]) : (line, "");
            if (settings.TryRestore(name, value) is { } fault) say($"{path}: {name} is left as it is on a new node: {fault}");
        }
    }

    private string? Replace(string text)
    {
        try
        {
            var beside = path + ".new";
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new FileStream(beside, options))
            {
                file.Write(Encoding.Latin1.GetBytes(text));
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
            return null;
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            return unwritable.Message;
        }
    }
}
