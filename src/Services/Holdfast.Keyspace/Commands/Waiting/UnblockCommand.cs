using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>CLIENT UNBLOCK.</summary>
internal sealed class UnblockCommand : ICommandFamily
{
    public void Bind(CommandTable table) => table.Bind("client|unblock", Unblock, "Ends the waiting of another client, as its timeout would or with an error");

    private static void Unblock(CommandCall call)
    {
        var isError = call.Count == 4 && call.Is(3, "ERROR"u8);
        if (call.Count > 4) call.WrongArity();
        else if (call.Count == 4 && !isError && !call.Is(3, "TIMEOUT"u8)) call.Reply.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"u8);
        else if (call.TryInteger(2, out var id))
        {
            if (!call.Node.Clients.TryGetValue(id, out var client) || client.Wait.Waiter is null) call.Reply.Integer(0);
            else
            {
                if (isError) client.Wait.Refuse("UNBLOCKED client unblocked via CLIENT UNBLOCK"u8);
                else client.Wait.RunOut();
                call.Reply.Integer(1);
            }
        }
    }
}
