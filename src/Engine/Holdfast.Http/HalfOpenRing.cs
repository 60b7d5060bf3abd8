using Microsoft.AspNetCore.Connections;

namespace Holdfast.Http;

/// <summary>
/// Connections that have not yet shown which protocol they speak. A bounded ring: when it has gone round, the newcomer takes the slot of the oldest,
/// which is closed, so a crowd of silent connections cannot lock out a client that speaks. A sweep closes those that stay silent past the deadline.
/// </summary>
internal sealed class HalfOpenRing(int slotsMax, long deadlineMillis)
{
    private readonly Slot[] slots = new Slot[slotsMax];
    private uint next;

    /// <summary>Enters a connection and returns its slot; closes the one that it displaces.</summary>
    public int Enter(ConnectionContext connection, long nowMillis)
    {
        ConnectionContext? displaced;
        int index;
        lock (slots)
        {
            index = (int)(next++ % (uint)slots.Length);
            displaced = slots[index].Connection;
            slots[index] = new Slot(connection, nowMillis + deadlineMillis);
        }

        displaced?.Abort(new ConnectionAbortedException("too many connections that do not speak"));
        return index;
    }

    /// <summary>The connection has spoken, or ended.</summary>
    public void Leave(int index, ConnectionContext connection)
    {
        lock (slots)
            if (ReferenceEquals(slots[index].Connection, connection))
                slots[index] = default;
    }

    /// <summary>Closes what is past its deadline. Called about once a second.</summary>
    public void Sweep(long nowMillis)
    {
        for (var i = 0; i < slots.Length; i++)
        {
            ConnectionContext? silent = null;
            lock (slots)
            {
                if (slots[i].Connection is not null && slots[i].DeadlineMillis <= nowMillis)
                {
                    silent = slots[i].Connection;
                    slots[i] = default;
                }
            }

            silent?.Abort(new ConnectionAbortedException("no request before the deadline"));
        }
    }

    private readonly record struct Slot(ConnectionContext? Connection, long DeadlineMillis);
}
