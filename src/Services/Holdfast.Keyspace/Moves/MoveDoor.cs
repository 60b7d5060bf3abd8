namespace Holdfast.Keyspace;

/// <summary>The target's side of moves: answers the source, each time from what is committed here (S21). For the shard's loop.</summary>
internal static class MoveDoor
{
    /// <summary>Keys forgotten in one entry.</summary>
    public const int DropsMax = 256;

    public static void Answer(ShardSeat seat, MoveQuestion question, Action<MoveAnswer> answer)
    {
        if (!seat.Log.IsLedHere || !seat.Machine.Role.IsLeader)
        {
            answer(default);
            return;
        }

        seat.Steps.Take(call => Step(call, question), isCommitted => answer(isCommitted ? MoveAnswer.Of(seat.Machine.State.Slots, question.Id) : default));
    }

    /// <summary>Forgets what refused moves had staged, a little at a time: for the leader's chores.</summary>
    public static void Tidy(CommandCall call)
    {
        foreach (var (id, move) in call.Shard.State.Slots.Incoming)
        {
            if (move.Phase != ArrivalPhase.Refused) continue;
            if (!Drop(call, move.Slots)) call.RunOwn(MoveCommands.Words("hf.move.forget", id));
            return;
        }
    }

    /// <summary>Forgets some keys of slots; false when there are none.</summary>
    public static unsafe bool Drop(CommandCall call, SlotRanges slots)
    {
        var visitor = new Names { Found = MoveCommands.Words("hf.move.drop") };
        foreach (var slot in slots.Slots())
        {
            // A walk from the start, a few homes at a time: what is found is gone the next time.
            if (call.Keyspace.CountIn(slot) == 0) continue;
            for (var cursor = call.Keyspace.Table(slot).Walk(0, ref visitor); cursor != 0 && visitor.Found.Count <= DropsMax; cursor = call.Keyspace.Table(slot).Walk(cursor, ref visitor))
            {
                // Until enough are found, or the slot is at its end.
            }

            if (visitor.Found.Count > DropsMax) break;
        }

        if (visitor.Found.Count == 1) return false;
        call.RunOwn(visitor.Found);
        return true;
    }

    private static void Step(CommandCall call, MoveQuestion question)
    {
        switch (question.Verb)
        {
            case MoveVerb.Prepare:
                call.RunOwn(MoveCommands.Words("hf.move.prepare", question.Id, question.Source.Value, question.Slots, question.Attempt, question.IsSealed ? 1 : 0));
                if (call.Shard.State.Slots.Incoming.TryGetValue(question.Id, out var move) && !move.IsWhole && move.Attempt == question.Attempt) Drop(call, move.Slots);
                break;
            case MoveVerb.Stage:
                call.RunOwn(MoveCommands.Words("hf.move.stage", question.Id, question.Attempt, question.Chunk, question.Bytes));
                break;
            case MoveVerb.Adopt:
                call.RunOwn(MoveCommands.AdoptWords(question.Id, question.Epoch, question.Seal));
                break;
            case MoveVerb.Refuse:
                call.RunOwn(MoveCommands.Words("hf.move.refuse", question.Id, question.IsSealed ? 1 : 0));
                break;
            default:
                // Looking: an entry without effects, which waits until all before it is committed.
                break;
        }
    }

    private unsafe struct Names : IRecordVisitor
    {
        public List<byte[]> Found;

        public readonly void Visit(byte* record) => Found.Add(RecordHead.KeyOf(record).ToArray());
    }
}
