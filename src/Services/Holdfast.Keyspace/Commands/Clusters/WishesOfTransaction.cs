using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// What commands of one EXEC ask of the cluster (redis-cli --cluster fix changes an owner so). Each takes longer than a turn: they are done one after the other when the transaction has been gone through, and the
/// replies leave in their order. A transaction of such commands is no atomic one, in Redis neither.
/// </summary>
internal sealed class WishesOfTransaction
{
    private readonly List<(byte[]? Reply, ClusterWish? Wish, Action<RespWriter, WishOutcome>? Tell)> parts = [];

    /// <summary>Whether anything is to be done.</summary>
    public bool IsAny => parts.Count > 0;

    /// <summary>A command wishes for something, in the place of a reply.</summary>
    public void Add(ClusterWish wish, Action<RespWriter, WishOutcome>? tell) => parts.Add((null, wish, tell));

    /// <summary>A command has replied at once: its reply follows on those that are to come.</summary>
    public void Add(byte[] reply) => parts.Add((reply, null, null));

    /// <summary>Does everything in order, and then replies.</summary>
    public void Run(IClusterDesk desk, ClientSession client)
    {
        var later = client.ReplyLater();
        var outcomes = new List<WishOutcome>();
        Next(0);

        void Next(int at)
        {
            while (at < parts.Count && parts[at].Wish is null)
            {
                outcomes.Add(WishOutcome.Done);
                at++;
            }

            if (at == parts.Count) later(writer => Write(writer, outcomes));
            else desk.Do(parts[at].Wish!, outcome =>
            {
                outcomes.Add(outcome);
                Next(at + 1);
            });
        }
    }

    /// <summary>The reply to a wish.</summary>
    public static void Tell(RespWriter writer, WishOutcome outcome, Action<RespWriter, WishOutcome>? tell)
    {
        if (outcome.Fault is { } fault) writer.Error(fault);
        else if (tell is not null) tell(writer, outcome);
        else writer.Ok();
    }

    private void Write(RespWriter writer, List<WishOutcome> outcomes)
    {
        for (var at = 0; at < parts.Count; at++)
        {
            if (parts[at].Reply is { } reply) writer.Raw(reply);
            else Tell(writer, outcomes[at], parts[at].Tell);
        }
    }
}
