using System.Text;

namespace Holdfast.Keyspace;

/// <summary>FUNCTION DUMP and RESTORE: all libraries as one RDB payload, which Redis takes and gives. A restored payload is there on all nodes as a whole, once the cluster's directory has it.</summary>
internal sealed class FunctionDumpCommands : ICommandFamily
{
    /// <summary>What stands before each library in a payload (rdb.h).</summary>
    public const byte LibraryMark = 245;

    private const byte LibraryMarkOfPreviews = 246;

    public void Bind(CommandTable table)
    {
        table.Bind("function|dump", Dump, "Returns all libraries in a form that FUNCTION RESTORE takes, here and at Redis");
        table.Bind("function|restore", Restore, "Loads the libraries of a payload of FUNCTION DUMP on all nodes", CommandPlace.Node);
    }

    private static void Dump(CommandCall call) => call.Reply.Bulk(PayloadOf(call.Node));

    /// <summary>All libraries as a payload.</summary>
    public static ReadOnlySpan<byte> PayloadOf(KeyspaceNode node)
    {
        var writer = new RdbWriter();
        foreach (var library in node.Functions.Libraries.Values)
        {
            writer.Byte(LibraryMark);
            writer.String(library.Code);
        }

        writer.Close(DumpCommands.VersionWritten);
        return writer.Written;
    }

    private static void Restore(CommandCall call)
    {
        if (call.Count > 4)
        {
            call.WrongSubcommand();
            return;
        }

        var (isFlush, replaces) = (false, false);
        if (call.Count == 4 && !call.Is(3, "APPEND"u8))
        {
            (isFlush, replaces) = (call.Is(3, "FLUSH"u8), call.Is(3, "REPLACE"u8));
            if (!isFlush && !replaces)
            {
                call.Reply.Error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."u8);
                return;
            }
        }

        if (!DumpCommands.IsSound(call[2])) call.Reply.Error("ERR DUMP payload version or checksum are wrong"u8);
        else if (!TryRead(call[2][..^DumpCommands.TailBytes], out var codes, out var fault)) call.Reply.Error(fault);
        else Restore(call, codes, isFlush, replaces);
    }

    private static void Restore(CommandCall call, List<byte[]> codes, bool isFlush, bool replaces)
    {
        var functions = call.Node.Functions;
        if (!functions.TryMakeAll(codes, isFlush, replaces, out var made, out var fault))
        {
            call.Reply.Error(fault);
            return;
        }

        var changes = made.Select(library => (FunctionCatalog.Prefix + library.Name, Encoding.Latin1.GetString(library.Code)));
        if (isFlush) changes = changes.Concat(functions.Libraries.Keys.Except(made.Select(library => library.Name)).Select(name => (FunctionCatalog.Prefix + name, "")));
        call.Node.Shared.Change(call, [.. changes], reply => reply.Ok());
    }

    /// <summary>The texts of a payload; false with the words of Redis.</summary>
    private static bool TryRead(ReadOnlySpan<byte> payload, out List<byte[]> codes, out string fault)
    {
        (codes, fault) = ([], "");
        for (var reader = new RdbReader(payload); !reader.IsAtEnd;)
        {
            var mark = reader.Byte();
            if (mark == LibraryMarkOfPreviews) fault = "ERR Pre-GA function format not supported";
            else if (mark != LibraryMark) fault = "ERR given type is not a function";
            if (fault.Length > 0) return false;
            codes.Add(reader.String().ToArray());
            if (reader.IsWhole) continue;
            fault = "ERR failed loading the given functions payload";
            return false;
        }

        return true;
    }
}
