using System.Globalization;
using System.Reflection;
using System.Text;
using Holdfast.Server.Commands;
using Holdfast.Server.Hosting;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>docs/errors.md is the table that the program acts by. HOLDFAST_WRITE_DOCS=1 writes it anew.</summary>
public sealed class ErrorsPageTests
{
    [Fact]
    public void The_page_is_the_table()
    {
        var page = Page();
        var path = Checkout.PathOf("docs/errors.md");
        if (Environment.GetEnvironmentVariable("HOLDFAST_WRITE_DOCS") == "1") File.WriteAllText(path, page);
        Assert.Equal(File.ReadAllText(path), page);
    }

    [Fact]
    public void Every_code_is_in_the_table_once()
    {
        var constants = typeof(ExitCode).GetFields(BindingFlags.Static | BindingFlags.Public).Where(field => field.IsLiteral).Select(field => (int)field.GetRawConstantValue()!).Order();
        Assert.Equal(constants, ExitCode.All.Select(row => row.Code));
        var named = typeof(ErrorCode).GetFields(BindingFlags.Static | BindingFlags.Public).Where(field => field.FieldType == typeof(ErrorCode)).Select(field => (ErrorCode)field.GetValue(null)!);
        Assert.Equal(named, ErrorCode.All);
        Assert.Equal(ErrorCode.All.Count, ErrorCode.All.Select(code => code.Name).Distinct().Count());
        Assert.All(ErrorCode.All, code => Assert.Contains(code.Exit, ExitCode.All.Select(row => row.Code)));
    }

    private static string Page()
    {
        var page = new StringBuilder("""
            # Exit codes and error codes

            One table for every verb of `holdfast`. Standard output carries what was asked for; a complaint goes to standard error, as a sentence (what, why, what to do) with its error code in brackets,
            or with `-o json` as an object a line: `{"code":"unavailable","exit":1,"message":"…"}`. Codes are stable; sentences may change.
            This page is generated from the program's own tables (`HOLDFAST_WRITE_DOCS=1`, test `The_page_is_the_table`). What the etcd face answers over the wire are etcd's own codes and texts.

            ## Exit codes

            | code | when |
            |---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var (code, meaning) in ExitCode.All) page.Append(CultureInfo.InvariantCulture, $"| {code} | {meaning} |\n");
        page.Append("""

            A node that ended itself (70 to 74) says its sentence again at its next start (`ended_by_fault`) and keeps that alarm on until the one after, so that a supervisor's restart does not hide it.
            A command that runs under `lock`, `elect` or `service register` gives its own exit code, 128 and the number for a signal.

            ## Error codes

            | code | exit | when | what to do |
            |---|---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var code in ErrorCode.All) page.Append(CultureInfo.InvariantCulture, $"| `{code.Name}` | {code.Exit} | {code.Meaning} | {code.Cure} |\n");
        return page.ToString();
    }
}
