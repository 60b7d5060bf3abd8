namespace Holdfast.Keyspace;

/// <summary>Keys whatever they hold: deleting, renaming, asking.</summary>
internal sealed class KeyCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("del", Del, "Deletes keys");
        table.Bind("unlink", Del, "Deletes keys; memory of large values is freed later");
        table.Bind("exists", Exists, "Counts the keys that are there");
        table.Bind("touch", Exists, "Counts the keys that are there and marks them as used");
        table.Bind("type", Type, "Says what a key holds");
        table.Bind("rename", call => Rename(call, onlyIfAbsent: false), "Renames a key, over another if it is there");
        table.Bind("renamenx", call => Rename(call, onlyIfAbsent: true), "Renames a key if the new name is not taken");
        table.Bind("copy", Copy, "Copies a key");
        table.Bind("move", Move, "Moves a key to another database; there is only one");
    }

    private static void Del(CommandCall call)
    {
        var deleted = 0;
        for (var i = 1; i < call.Count; i++)
        {
            var place = call.Locate(i);
            if (!place.Exists) continue;
            call.Keyspace.Remove(ref place);
            call.Changed(place.Key, KeyEvents.Generic, "del"u8);
            deleted++;
        }

        call.Reply.Integer(deleted);
    }

    private static void Exists(CommandCall call)
    {
        var there = 0;
        for (var i = 1; i < call.Count; i++)
            if (call.Locate(i).Exists) there++;
        call.Reply.Integer(there);
    }

    private static void Type(CommandCall call) => call.Reply.Simple(ValueNames.NameOf(call.Locate(1).Kind));

    private static void Rename(CommandCall call, bool onlyIfAbsent)
    {
        var source = call.Locate(1);
        if (!source.Exists)
        {
            call.Reply.Error(CommandErrors.NoSuchKey);
            return;
        }

        var isSame = call[1].SequenceEqual(call[2]);
        if (isSame || (onlyIfAbsent && call.Locate(2).Exists))
        {
            if (onlyIfAbsent) call.Reply.Integer(0);
            else call.Reply.Ok();
            return;
        }

        var target = call.Locate(2);
        source = call.Locate(1);
        call.Keyspace.MoveTo(ref source, ref target);
        call.Changed(source.Key, KeyEvents.Generic, "rename_from"u8);
        call.Notify(target.Key, KeyEvents.New, "new"u8);
        call.Changed(target.Key, KeyEvents.Generic, "rename_to"u8);
        if (onlyIfAbsent) call.Reply.Integer(1);
        else call.Reply.Ok();
    }

    private static void Copy(CommandCall call)
    {
        var replaces = false;
        for (var at = 3; at < call.Count; at++)
        {
            if (call.Is(at, "REPLACE"u8)) replaces = true;
            else if (call.Is(at, "DB"u8) && at + 1 < call.Count)
            {
                if (!call.TryInteger(++at, out var database)) return;
                if (database != 0)
                {
                    call.Reply.Error(database is > 0 and <= int.MaxValue ? "ERR Copying to another database is not allowed in cluster mode"u8 : "ERR DB index is out of range"u8);
                    return;
                }
            }
            else
            {
                call.SyntaxError();
                return;
            }
        }

        if (call[1].SequenceEqual(call[2]))
        {
            call.Reply.Error("ERR source and destination objects are the same"u8);
            return;
        }

        var run = SlicedRun.Of<CopyRun>(call) ?? new CopyRun();
        run.TryLookUp(call);
        var isTaken = !replaces && call.Locate(2).Exists;
        if (!isTaken && !run.TryFinish(call)) return;
        var target = call.Locate(2);
        var source = call.Locate(1);
        if (isTaken || !source.Exists)
        {
            run.End();
            call.Reply.Integer(0);
            return;
        }

        call.Keyspace.CopyTo(source, ref target, run.Take());
        call.Changed(target.Key, KeyEvents.Generic, "copy_to"u8);
        call.Reply.Integer(1);
    }

    private static void Move(CommandCall call) => call.Reply.Error("ERR MOVE is not allowed in cluster mode"u8);
}
