using System.Globalization;
using System.Text;
using Holdfast.Cluster;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>The lock and token that a connection has declared.</summary>
internal sealed record ClientFence(byte[] Lock, FencingToken Token);

/// <summary>
/// Fences (S22): a connection says which lock it holds under which token; each of its writes is refused once the shard has seen a newer token of that lock. The first write on a shard declares the token there, in
/// the entry of the write, so that whoever held the lock before is refused from then on.
/// </summary>
internal sealed class FenceCommands : ICommandFamily
{
    private static readonly Mark Fenced = new("keyspace: a write was refused because its holder's lock has a newer token", elsewhere: "FenceTests: the simulated clients use registers and transactions only");
    private static readonly Mark Declared = new("keyspace: a fence was declared on a shard", elsewhere: "FenceTests: the simulated clients use registers and transactions only");

    public void Bind(CommandTable table)
    {
        table.Bind("holdfast.fence", Fence, "Fences this connection's writes by a lock and its token; without arguments, by none");
        table.AddInternal("hf.fence", Declare);
    }

    /// <summary>Whether a command may be executed under a fence; a write declares it where it is new.</summary>
    public static bool TryPass(ClientFence fence, CommandCall call, CommandSpec spec, Transaction transaction)
    {
        var isWrite = spec.Has(CommandFlags.Write) || (spec.Name == "exec" && transaction.Queued.Any(each => each.Spec.Has(CommandFlags.Write)));
        if (!isWrite) return true;
        var verdict = call.Shard.State.Fences.Check(fence.Lock, fence.Token);
        if (!verdict.IsAccepted) return false;
        if (verdict.Highest == fence.Token) return true;
        Declared.Hit();
        call.RunOwn(MoveCommands.Words("hf.fence", fence.Lock, fence.Token.Value));
        return true;
    }

    /// <summary>Refuses the client's present command.</summary>
    public static void Refuse(ClientSession client, ClientFence fence, CommandCall call)
    {
        Fenced.Hit();
        client.Replies.Writer.Error(string.Create(CultureInfo.InvariantCulture, $"FENCED lock '{Encoding.UTF8.GetString(fence.Lock)}' has a newer token than {fence.Token}: {call.Shard.State.Fences.Check(fence.Lock, fence.Token).Highest}"));
        if (client.Transaction.IsOpen) client.Transaction.End(client);
    }

    private static void Fence(CommandCall call)
    {
        if (call.Count == 1)
        {
            call.Client!.Fence = null;
            call.Reply.Ok();
            return;
        }

        if (call.Count != 3)
        {
            call.WrongArity();
            return;
        }

        if (call[1].Length is 0 or > FenceTable.NameBytesMax) call.Reply.Error("ERR the name of a lock has 1 to 1024 bytes"u8);
        else if (!ulong.TryParse(call[2], NumberStyles.None, CultureInfo.InvariantCulture, out var token) || token == 0) call.Reply.Error("ERR a fencing token is a positive whole number"u8);
        else
        {
            call.Client!.Fence = new ClientFence(call[1].ToArray(), new FencingToken(token));
            call.Reply.Ok();
        }
    }

    /// <summary>hf.fence LOCK TOKEN: a holder's declaration.</summary>
    private static void Declare(CommandCall call)
    {
        if (call.Count != 3 || !ulong.TryParse(call[2], NumberStyles.None, CultureInfo.InvariantCulture, out var token)) return;
        call.Shard.State.ChangeFences().Declare(call[1], new FencingToken(token));
        call.CountChanges(1);
    }
}
