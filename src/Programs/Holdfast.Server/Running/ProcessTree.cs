using System.Globalization;
using System.Runtime.InteropServices;

namespace Holdfast.Server.Running;

/// <summary>
/// A command and what it started, as /proc tells it. A shell that is told to end leaves its children behind, and they would go on with work that is somebody else's now:
/// so all of them are told. A process is known by its id and its start time, since ids come again.
/// </summary>
internal sealed class ProcessTree
{
    public const int Terminate = 15;
    public const int Kill = 9;

    private readonly HashSet<(int Id, string Started)> members = [];
    private readonly int root;

    /// <summary>The tree under a process.</summary>
    public ProcessTree(int root) => this.root = root;

    /// <summary>Whether one that was seen still runs.</summary>
    public bool IsAlive => members.Any(member => StartOf(member.Id) == member.Started);

    /// <summary>Sends a signal to all that are there now, and to those seen before whose parents have gone.</summary>
    public void Signal(int signal)
    {
        Look();
        foreach (var (id, started) in members)
            if (StartOf(id) == started)
                _ = SendSignal(id, signal);
    }

    private void Look()
    {
        var all = Directory.GetDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var id) ? id : 0).Where(id => id > 0).ToArray();
        var children = all.Select(id => (Id: id, Stat: StatOf(id))).Where(process => process.Stat.Length > 19).ToLookup(process => process.Stat[1], process => process.Id);
        var waiting = new Queue<int>(members.Select(member => member.Id).Append(root));
        for (var seen = new HashSet<int>(); waiting.TryDequeue(out var id);)
        {
            if (!seen.Add(id)) continue;
            if (StartOf(id) is { Length: > 0 } started) members.Add((id, started));
            foreach (var child in children[id.ToString(CultureInfo.InvariantCulture)]) waiting.Enqueue(child);
        }
    }

    /// <summary>The start time, empty when the process has ended (also when nobody has taken note of its end yet).</summary>
    private static string StartOf(int id) => StatOf(id) is { Length: > 19 } stat && stat[0] != "Z" ? stat[19] : "";

    /// <summary>The fields of /proc/ID/stat from the state on (proc(5)); the name before it may hold blanks and brackets.</summary>
    private static string[] StatOf(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);
}
