using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Unions, intersections and differences of sets; large ones are made in slices (<see cref="SetAlgebraRun"/>).</summary>
internal sealed class SetAlgebraCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("sunion", call => Reply(call, SetOperation.Union), "Returns the members of any of some sets");
        table.Bind("sinter", call => Reply(call, SetOperation.Intersection), "Returns the members of all of some sets");
        table.Bind("sdiff", call => Reply(call, SetOperation.Difference), "Returns the members of a set that are in none of some others");
        table.Bind("sunionstore", call => Store(call, SetOperation.Union), "Stores the members of any of some sets in a key");
        table.Bind("sinterstore", call => Store(call, SetOperation.Intersection), "Stores the members of all of some sets in a key");
        table.Bind("sdiffstore", call => Store(call, SetOperation.Difference), "Stores the members of a set that are in none of some others in a key");
        table.Bind("sintercard", InterCard, "Counts the members of all of some sets");
    }

    private static void Reply(CommandCall call, SetOperation operation)
    {
        var run = SlicedRun.Of<SetAlgebraRun>(call) ?? call.Scratch.SetAlgebra.For(operation, 1, call.Count - 1);
        if (!TryFinish(call, run)) return;
        call.Reply.Set(run.Found.Count);
        for (var i = 0; i < run.Found.Count; i++) call.Reply.Bulk(run.Found[i]);
    }

    private static void Store(CommandCall call, SetOperation operation)
    {
        var run = SlicedRun.Of<SetAlgebraRun>(call);
        if (run is null) call.Locate(1);
        run ??= call.Scratch.SetAlgebra.For(operation, 2, call.Count - 2, isStored: true);
        if (!TryFinish(call, run)) return;
        var target = call.Locate(1);
        var wasThere = target.Exists;
        if (Put(call, target, run)) call.Changed(call[1], KeyEvents.Set, operation switch { SetOperation.Union => "sunionstore"u8, SetOperation.Intersection => "sinterstore"u8, _ => "sdiffstore"u8 });
        else if (wasThere) call.Changed(call[1], KeyEvents.Generic, "del"u8);
        call.Reply.Integer(run.Found.Count);
    }

    /// <summary>Makes the result the key's value; true when the key is there afterwards.</summary>
    private static bool Put(CommandCall call, KeyPlace target, SetAlgebraRun run)
    {
        if (run.TakeLarge() is { } large)
        {
            call.Keyspace.SetBig(ref target, ValueKind.Set, ValueEncoding.HashTable, large);
            return true;
        }

        var edit = new SetEdit(call, target, replaces: true);
        for (var i = 0; i < run.Found.Count; i++) edit.Add(run.Found[i]);
        return edit.Save();
    }

    private static void InterCard(CommandCall call)
    {
        if (!KeyNumber.TryParse(call, 1, out var keys)) return;
        var limit = long.MaxValue;
        for (var at = 2 + keys; at < call.Count; at++)
        {
            if (!call.Is(at, "LIMIT"u8) || at + 1 == call.Count)
            {
                call.SyntaxError();
                return;
            }

            if (!KeyNumber.TryLimit(call, ++at, out limit)) return;
        }

        var run = SlicedRun.Of<SetAlgebraRun>(call) ?? call.Scratch.SetAlgebra.For(SetOperation.Intersection, 2, keys, limit == 0 ? long.MaxValue : limit);
        if (TryFinish(call, run)) call.Reply.Integer(run.Found.Count);
    }

    /// <summary>Whether there is a result. If not, the command goes on later, or a key holds something else, which is said.</summary>
    private static bool TryFinish(CommandCall call, SetAlgebraRun run)
    {
        if (!run.TryFinish(call)) return false;
        if (run.IsOfOtherKind) call.Reply.Error(CommandErrors.WrongType);
        return !run.IsOfOtherKind;
    }
}
