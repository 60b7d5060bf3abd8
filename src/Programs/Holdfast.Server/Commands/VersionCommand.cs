using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast version</c>.</summary>
internal static class VersionCommand
{
    /// <summary>The version of this build, with the commit it was built from where known.</summary>
    internal static string Text => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    internal static Command Create()
    {
        var command = new Command("version", "Prints the version of this program.");
        Report.AddTo(command);
        command.SetAction(parsed =>
        {
            var program = new ProgramRow(Text, RuntimeInformation.FrameworkDescription, RuntimeInformation.RuntimeIdentifier);
            Report.One(parsed, program, ReportJson.Readable.ProgramRow, $"holdfast {program.Version} ({program.Runtime}, {program.Platform})");
            return ExitCode.Done;
        });
        return command;
    }
}
