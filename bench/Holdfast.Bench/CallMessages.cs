using System.Globalization;
using System.Text;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Bench;

/// <summary>The requests of each case, encoded once per client; only the six digits that number the key change from call to call.</summary>
internal static class CallMessages
{
    /// <summary>A put that always writes the key that everything else reads and watches.</summary>
    public const string OneKey = "put-one";

    private static readonly ByteString FixedKey = ByteString.CopyFromUtf8("bench/0000/000000");

    public static string PathOf(string name) => name switch
    {
        "put" or OneKey => "/etcdserverpb.KV/Put",
        "txn" => "/etcdserverpb.KV/Txn",
        "watch" => "/etcdserverpb.Watch/Watch",
        _ => "/etcdserverpb.KV/Range",
    };

    public static byte[] Of(LoadPlan plan, int client)
    {
        var key = ByteString.CopyFromUtf8($"bench/{client:D4}/000000");
        var value = ByteString.CopyFrom(new byte[plan.ValueBytes]);
        return plan.Case switch
        {
            "put" or OneKey => new PutRequest { Key = key, Value = value }.ToByteArray(),
            "txn" => Txn(key, value).ToByteArray(),
            _ => new RangeRequest { Key = FixedKey, Serializable = plan.Case == "serializable" }.ToByteArray(),
        };
    }

    /// <summary>Numbers every key in a write.</summary>
    public static void Number(string name, byte[] message, int number)
    {
        if (name is not ("put" or "txn")) return;
        Span<byte> digits = stackalloc byte[6];
        number.TryFormat(digits, out _, "D6", CultureInfo.InvariantCulture);
        for (var at = 0; message.AsSpan(at).IndexOf("bench/"u8) is >= 0 and var found; at += found + 17) digits.CopyTo(message.AsSpan(at + found + 11));
    }

    /// <summary>The compare-and-put that locks and Kubernetes live on: the key is written if its lease is none, which it always is.</summary>
    private static TxnRequest Txn(ByteString key, ByteString value)
    {
        var txn = new TxnRequest();
        txn.Compare.Add(new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater, Version = -1 });
        txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = key, Value = value } });
        return txn;
    }
}
