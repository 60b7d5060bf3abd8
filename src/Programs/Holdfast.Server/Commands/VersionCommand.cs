using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast version</c>.</summary>
internal static class VersionCommand
{
    /// <summary>The version of this build, with the commit it was built from where known.</summary>
    internal static string Text => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    internal static Command Create()
    {
        var command = new Command("version", "Prints the version of this program.");
        command.SetAction(_ =>
        {
            Console.WriteLine($"holdfast {Text} ({RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier})");
            return 0;
        });
        return command;
    }
}
