using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Holdfast.Server.Hosting;

/// <summary>Who listens on a TCP port of this machine, as far as the kernel lets us see.</summary>
internal static partial class PortOwner
{
    private const string ListeningState = "0A";

    /// <summary>"process etcd (pid 4711)", or null when nobody listens or it cannot be seen.</summary>
    public static string? Of(int port)
    {
        try
        {
            var sockets = Inodes("/proc/net/tcp", port).Concat(Inodes("/proc/net/tcp6", port)).ToHashSet(StringComparer.Ordinal);
            return sockets.Count == 0 ? null : ProcessWith(sockets);
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A sentence about a port that could not be bound.</summary>
    public static string Sentence(IPEndPoint address, string flag)
    {
        var owner = Of(address.Port);
        return $"{address} is taken{(owner is null ? "" : " by " + owner)}; stop that process, or take another port with {flag} host:port";
    }

    private static IEnumerable<string> Inodes(string table, int port)
    {
        if (!File.Exists(table)) yield break;
        var wanted = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        foreach (var line in File.ReadLines(table).Skip(1))
        {
            var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length > 9 && columns[1].EndsWith(wanted, StringComparison.Ordinal) && columns[3] == ListeningState)
                yield return columns[9];
        }
    }

    private static string? ProcessWith(HashSet<string> sockets)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || !Holds(process, sockets)) continue;
            return $"process {File.ReadAllText(Path.Combine(process, "comm")).Trim()} (pid {pid})";
        }

        return null;
    }

    private static bool Holds(string process, HashSet<string> sockets)
    {
        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(process, "fd")))
                if (SocketLink().Match(new FileInfo(file).LinkTarget ?? "") is { Success: true } link && sockets.Contains(link.Groups[1].Value))
                    return true;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // Another user's process, or one that ended while we looked.
        }

        return false;
    }

    [GeneratedRegex(@"^socket:\[(\d+)\]$")]
    private static partial Regex SocketLink();
}
