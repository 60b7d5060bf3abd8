// A replicated state of about a gigabyte, in three processes: LargeState [--size 1G] [--seconds 60] [--data DIR] [--port 34900]. Prints what it sees.
// Or one node that rebuilds it (S20): LargeState rebuild [--size 1G] [--writes 20000] [--data DIR] [--port 34900].
using System.Diagnostics;
using System.Globalization;
using LargeState;

if (args is ["node", var name, var nodePort, var folder])
{
    await NodeProcess.RunAsync(name, int.Parse(nodePort, CultureInfo.InvariantCulture), folder);
    return;
}

string Option(string option, string otherwise) => Array.IndexOf(args, option) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;

var size = Option("--size", "1G");
var bytes = long.Parse(size.TrimEnd('G', 'M'), CultureInfo.InvariantCulture) << (size.EndsWith('G') ? 30 : size.EndsWith('M') ? 20 : 0);
var seconds = int.Parse(Option("--seconds", "60"), CultureInfo.InvariantCulture);
var port = int.Parse(Option("--port", "34900"), CultureInfo.InvariantCulture);
var root = Option("--data", "");
var data = root.Length > 0 ? Directory.CreateDirectory(root).FullName : Directory.CreateTempSubdirectory("large-state-").FullName;
try
{
    if (args is ["rebuild", ..]) await RebuildTime.RunAsync(data, port, (int)(bytes / Block.Bytes), int.Parse(Option("--writes", "20000"), CultureInfo.InvariantCulture));
    else new Scenario(data, port, (int)(bytes / Block.Bytes), TimeSpan.FromSeconds(seconds)).Run();
}
finally
{
    if (root.Length == 0) Directory.Delete(data, recursive: true);
}
