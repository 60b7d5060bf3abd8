using System.CommandLine;
using Holdfast.Interop.Tests.Operating;
using Holdfast.Server.Commands;

namespace Holdfast.Interop.Tests.Packages;

/// <summary>What others install: the .NET tool, and the unit for systemd.</summary>
[Collection(Alone.Name)]
public sealed class PackageTests
{
    [Fact]
    public async Task The_dotnet_tool_is_packed_installed_from_a_folder_run_and_removed()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-tool-").FullName;
        try
        {
            var (packages, tools) = (Path.Combine(folder, "packages"), Path.Combine(folder, "tools"));
            await DotnetAsync("pack", Checkout.PathOf("src/Programs/Holdfast.Server/Holdfast.Server.csproj"), "-c", "Release", "--no-build", "-o", packages, "-v", "quiet", "-nologo", "-nodeReuse:false");

            // From this folder alone: nothing is asked of any registry.
            var sources = Path.Combine(folder, "nuget.config");
            await File.WriteAllTextAsync(sources, $"<configuration><packageSources><clear /><add key=\"here\" value=\"{packages}\" /></packageSources></configuration>");
            await DotnetAsync("tool", "install", "holdfast", "--tool-path", tools, "--configfile", sources);
            var said = await EtcdFlagCluster.RunAsync(Path.Combine(tools, "holdfast"), new Dictionary<string, string>(), "version");
            Assert.StartsWith("holdfast 0.1.0", said, StringComparison.Ordinal);
            Assert.NotEmpty(Directory.EnumerateFiles(tools, "liblua54.so", SearchOption.AllDirectories)); // Redis's scripts run in it.
            Assert.NotEmpty(Directory.EnumerateFiles(tools, "libsodium.so", SearchOption.AllDirectories)); // It signs and checks tokens of EdDSA.
            await DotnetAsync("tool", "uninstall", "holdfast", "--tool-path", tools);
            Assert.False(File.Exists(Path.Combine(tools, "holdfast")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_systemd_unit_is_one_and_starts_the_program_with_words_that_it_knows()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-unit-").FullName;
        try
        {
            var unit = await File.ReadAllTextAsync(Checkout.PathOf("deploy/systemd/holdfast.service"));
            const string Begin = "ExecStart=/usr/local/bin/holdfast ";
            var words = unit.Split('\n').Single(line => line.StartsWith(Begin, StringComparison.Ordinal))[Begin.Length..];
            Assert.Empty(VerbTable.Create().Parse(words).Errors);

            // systemd looks whether the program is there.
            var copy = Path.Combine(folder, "holdfast.service");
            await File.WriteAllTextAsync(copy, unit.Replace("/usr/local/bin/holdfast", ServerBench.Program, StringComparison.Ordinal));
            if (!File.Exists("/usr/bin/systemd-analyze")) return;
            Assert.Equal("", await EtcdFlagCluster.RunAsync("systemd-analyze", new Dictionary<string, string>(), "verify", "--man=no", copy));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task DotnetAsync(params string[] words) =>
        EtcdFlagCluster.RunAsync("dotnet", new Dictionary<string, string> { ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1", ["DOTNET_NOLOGO"] = "1" }, words);
}
