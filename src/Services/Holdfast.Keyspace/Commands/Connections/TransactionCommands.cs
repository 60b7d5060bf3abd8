namespace Holdfast.Keyspace;

/// <summary>MULTI, EXEC and WATCH. A transaction is executed within one entry: all of it or nothing, and nobody sees it half done.</summary>
internal sealed class TransactionCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("multi", Multi, "Begins a transaction", CommandPlace.Connection);
        table.Bind("exec", Exec, "Executes a transaction", CommandPlace.Connection);
        table.Bind("discard", Discard, "Gives a transaction up", CommandPlace.Connection);
        table.Bind("watch", Watch, "Watches keys: a transaction is executed only if they have not changed");
        table.Bind("unwatch", Unwatch, "Watches no keys any more");
    }

    /// <summary>Executes what is queued on a shard, in its present entry.</summary>
    public static void ExecuteQueued(ClientSession client, CommandCall call, int slot)
    {
        var transaction = client.Transaction;
        var writer = client.Replies.Writer;
        if (transaction.IsBroken && call.Node.Bug != PlantedShardBug.WatchIgnored)
        {
            writer.NullArray();
        }
        else
        {
            // What a transaction itself changes breaks its watches no more.
            transaction.Unwatch(client);
            writer.Array(transaction.Queued.Count);
            foreach (var (spec, arguments) in transaction.Queued) RunQueued(client, call, spec, arguments, slot);
        }

        transaction.End(client);
    }

    private static void RunQueued(ClientSession client, CommandCall call, CommandSpec spec, Wire.Resp.RespArguments arguments, int slot)
    {
        if (TryRefuse(client, call.Node, spec, arguments)) return;
        if (spec.Place == CommandPlace.EveryShard) client.Gathering.Begin(1);
        call.Node.Meter.ShowQueued(client, spec, arguments, call.Shard);
        var (begun, at) = (call.Node.ReadClock(), client.Replies.Writer.Target.Length);
        call.Run(client, spec, arguments, spec.Keys.Length > 0 ? slot : -1);
        call.Node.Meter.LapWithin(client, spec, arguments, begun, client.Replies.Writer.Target.Written[at..], isOfScript: false);
    }

    /// <summary>What its user may not do any more is refused by itself; the rest of the transaction is executed.</summary>
    private static bool TryRefuse(ClientSession client, KeyspaceNode node, CommandSpec spec, Wire.Resp.RespArguments arguments)
    {
        if (AclGate.RefusalAtLast(node, client, spec, arguments) is not { } refusal) return false;
        client.Replies.Writer.Error(refusal);
        node.Meter.Reject(spec, refusal);
        return true;
    }

    private static void Multi(CommandCall call)
    {
        var transaction = call.Client!.Transaction;
        if (transaction.IsOpen)
        {
            call.Reply.Error("ERR MULTI calls can not be nested"u8);
            return;
        }

        transaction.Open();
        call.Reply.Ok();
    }

    /// <summary>Here comes only what needs no shard: what cannot be executed, and what has no keys.</summary>
    private static void Exec(CommandCall call)
    {
        var client = call.Client!;
        var transaction = client.Transaction;
        if (!transaction.IsOpen)
        {
            call.Reply.Error("ERR EXEC without MULTI"u8);
            return;
        }

        if (transaction.IsSpoilt) call.Reply.Error("EXECABORT Transaction discarded because of previous errors."u8);
        else if (transaction.IsCrossing) call.Reply.Error(CommandErrors.CrossSlot);
        else if (transaction.IsBroken) call.Reply.NullArray();
        else
        {
            RunHere(call, client);
        }

        transaction.End(client);
    }

    /// <summary>Runs what needs no shard. What asks something of the cluster is done afterwards, in order, and what has replied after it replies after it.</summary>
    private static void RunHere(CommandCall call, ClientSession client)
    {
        var (reply, node, queued) = (call.Reply, call.Node, client.Transaction.Queued);
        var wishes = node.Wishes = new WishesOfTransaction();
        reply.Array(queued.Count);
        foreach (var (spec, arguments) in queued)
        {
            if (TryRefuse(client, node, spec, arguments)) continue;
            var (begun, before) = (node.ReadClock(), reply.Target.Length);
            if (spec.Place == CommandPlace.EveryShard) client.Gathering.Begin(0);
            node.Meter.ShowQueued(client, spec, arguments, null);
            call.Run(client, spec, arguments, -1);
            node.Meter.LapWithin(client, spec, arguments, begun, reply.Target.Written[before..], isOfScript: false);
            if (!wishes.IsAny || reply.Target.Length == before) continue;
            wishes.Add(reply.Target.Written[before..].ToArray());
            reply.Target.TruncateTo(before);
        }

        node.Wishes = null;
        if (wishes.IsAny) wishes.Run(node.Desk!, client);
    }

    private static void Discard(CommandCall call)
    {
        var client = call.Client!;
        if (!client.Transaction.IsOpen)
        {
            call.Reply.Error("ERR DISCARD without MULTI"u8);
            return;
        }

        client.Transaction.End(client);
        call.Reply.Ok();
    }

    private static void Watch(CommandCall call)
    {
        var client = call.Client!;
        if (client.Transaction.IsOpen)
        {
            call.Reply.Error("ERR WATCH inside MULTI is not allowed"u8);
            return;
        }

        for (var i = 1; i < call.Count; i++)
        {
            call.Locate(i);
            client.Transaction.Watch(call[i], call.Shard);
        }

        call.Reply.Ok();
    }

    private static void Unwatch(CommandCall call)
    {
        call.Client!.Transaction.Unwatch(call.Client);
        call.Reply.Ok();
    }
}
