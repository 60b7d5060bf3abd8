
namespace Holdfast.Interop.Tests;

/// <summary>
/// A checkout in which nothing was built yet: the script <c>./holdfast</c> of this one, and beside it just enough for the script to look at. A PATH of its own has the shell's tools and, unless it
/// is pretended, no dotnet; so the script's own part (who builds, who waits, what is said) is tested in a second instead of three full builds.
/// </summary>
internal sealed class UnbuiltCheckout : IDisposable
{
    private static readonly string[] Tools = ["bash", "cat", "chmod", "dirname", "env", "find", "flock", "grep", "mkdir", "mv", "readlink", "sleep", "touch"];

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-checkout-").FullName;

    public UnbuiltCheckout()
    {
        foreach (var room in (string[])["src", "sim", "build", "bin"]) Directory.CreateDirectory(System.IO.Path.Combine(folder, room));
        foreach (var file in (string[])["Directory.Build.props", "global.json", "src/Program.cs"]) File.WriteAllText(System.IO.Path.Combine(folder, file), "");
        File.Copy(System.IO.Path.Combine(RootOfThisOne(), "holdfast"), Script);
        foreach (var tool in Tools) File.CreateSymbolicLink(System.IO.Path.Combine(Path, tool), Find(tool));
    }

    public string Script => System.IO.Path.Combine(folder, "holdfast");

    public string Path => System.IO.Path.Combine(folder, "bin");

    /// <summary>Puts a dotnet on the path whose builds take a second, leave a program that repeats its words, and are counted in the file whose name is given back.</summary>
    public string PretendDotnet()
    {
        var builds = System.IO.Path.Combine(folder, "builds");
        var dotnet = System.IO.Path.Combine(Path, "dotnet");
        File.Copy(Script, dotnet); // For its mode: a script that may be run.
        File.WriteAllText(dotnet, $"""
            #!/usr/bin/env bash
            if [ "$1" = --list-sdks ]; then echo "10.0.100 [/nowhere]"; exit; fi
            echo build >> {builds}
            sleep 1
            mkdir -p {folder}/artifacts/bin/Holdfast.Server/release
            printf '#!/usr/bin/env bash\necho pretended: "$@"\n' > {folder}/artifacts/bin/Holdfast.Server/release/holdfast
            chmod +x {folder}/artifacts/bin/Holdfast.Server/release/holdfast
            """);
        return builds;
    }

    /// <summary>A source that is newer than the build.</summary>
    public void TouchSource() => File.SetLastWriteTimeUtc(System.IO.Path.Combine(folder, "src/Program.cs"), DateTime.UtcNow.AddSeconds(2));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string RootOfThisOne()
    {
        var at = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(at, "Holdfast.slnx"))) at = System.IO.Path.GetDirectoryName(at) ?? throw new InvalidOperationException("the tests do not run in a checkout");
        return at;
    }

    private static string Find(string tool) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(place => System.IO.Path.Combine(place, tool)).First(File.Exists);
}
