using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>
/// DEBUG DIGEST and DIGEST-VALUE: a signature of what is there, made as Redis makes it, so that two servers can be compared. Each key's signature begins with its name and kind; what has an order is mixed in one after the
/// other, and what has none (members, fields, keys) is added by exclusive or.
/// </summary>
internal sealed class DebugDigest
{
    private const int Bytes = 20;

    private readonly byte[] sum = new byte[Bytes];

    /// <summary>As Redis shows it.</summary>
    public string Text => Convert.ToHexStringLower(sum);

    /// <summary>The signature of a key's value alone.</summary>
    public static string OfValue(CommandCall call, in KeyPlace place)
    {
        var digest = new DebugDigest();
        digest.MixValue(call, place);
        return digest.Text;
    }

    /// <summary>Adds all keys of a slot.</summary>
    public unsafe void AddSlot(CommandCall call, int slot)
    {
        var visitor = new Gathering { Records = [] };
        call.Keyspace.Table(slot).WalkAll(ref visitor);
        foreach (var record in visitor.Records)
        {
            var key = RecordHead.KeyOf((byte*)record);
            var place = new KeyPlace(key, RecordHead.Hash((byte*)record), slot, (byte*)record);
            var one = new DebugDigest();
            one.Mix(key);
            one.MixValue(call, place);
            Add(one.sum);
        }
    }

    /// <summary>Says that there are keys in the only database: an empty one has a signature of zeros.</summary>
    public void MixDatabase() => Mix([0, 0, 0, 0]);

    private void MixValue(CommandCall call, in KeyPlace place)
    {
        Span<byte> kind = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(kind, KindOf(place.Kind));
        Mix(kind);
        switch (place.Kind)
        {
            case ValueKind.String: Mix(place.Bytes); break;
            case ValueKind.List: MixList(new ListEdit().Read(call, place)); break;
            case ValueKind.Stream: MixStream(StreamCommands.Of(call, place)); break;
            case ValueKind.Set:
                var members = new Members { Each = [] };
                SetValue.Walk(call.Keyspace, place, ref members);
                AddAll(members.Each);
                break;
            case ValueKind.SortedSet:
                var scored = new Members { Each = [] };
                SortedSetValue.WalkAll(call, place, ref scored);
                AddAll(scored.Each);
                break;
            case ValueKind.Hash:
                var fields = new Members { Each = [] };
                HashValue.WalkHeld(call.Keyspace, place, ref fields);
                AddAll(fields.Each);
                break;
        }

        if (place.Expiry >= 0) Add("!!expire!!"u8);
    }

    /// <summary>The kinds' numbers in Redis.</summary>
    private static int KindOf(ValueKind kind) => kind switch
    {
        ValueKind.String => 0,
        ValueKind.List => 1,
        ValueKind.Set => 2,
        ValueKind.SortedSet => 3,
        ValueKind.Hash => 4,
        _ => 6,
    };

    private void MixList(QuickList list)
    {
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        for (var at = list.First; at.IsThere; at = list.Next(at)) Mix(list.Value(at, scratch));
    }

    private void MixStream(StreamValue stream)
    {
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        var walk = new StreamWalk(stream, StreamId.Zero, StreamId.Max);
        while (walk.TryNext(out var entry))
        {
            Mix(Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{entry.Id.Milliseconds}.{entry.Id.Sequence}")));
            var pack = stream.PackOf(entry.Node);
            var (name, at) = (entry.MasterFieldsAt, entry.BodyAt);
            for (var left = entry.Fields; left > 0; left--)
            {
                if (entry.HasSameFields)
                {
                    Mix(Listpack.Value(pack, name, scratch));
                    name = Listpack.Next(pack, name);
                }
                else
                {
                    Mix(Listpack.Value(pack, at, scratch));
                    at = Listpack.Next(pack, at);
                }

                Mix(Listpack.Value(pack, at, scratch));
                at = Listpack.Next(pack, at);
            }
        }
    }

    private void AddAll(List<byte[]> signed)
    {
        foreach (var each in signed) Add(each);
    }

    /// <summary>What comes has its place: the sum so far goes into it.</summary>
    private void Mix(ReadOnlySpan<byte> bytes)
    {
        Add(bytes);
        Span<byte> before = stackalloc byte[Bytes];
        sum.CopyTo(before);
        SHA1.HashData(before, sum);
    }

    /// <summary>What comes may have come before or after the others.</summary>
    private void Add(ReadOnlySpan<byte> bytes)
    {
        Span<byte> one = stackalloc byte[Bytes];
        SHA1.HashData(bytes, one);
        for (var i = 0; i < Bytes; i++) sum[i] ^= one[i];
    }

    /// <summary>Signs what stands without an order: members as they are; members with scores, and fields with values, each pair by itself.</summary>
    private struct Members : IMemberVisitor, IScoreVisitor, IFieldVisitor
    {
        public List<byte[]> Each;

        public readonly bool IsDone => false;

        public readonly void Visit(ReadOnlySpan<byte> member) => Each.Add(member.ToArray());

        public readonly void Visit(ReadOnlySpan<byte> member, double score) => Sign(member, Encoding.ASCII.GetBytes(double.IsInfinity(score) ? score > 0 ? "inf" : "-inf" : GeneralNumber.Show(score, 17)));

        public readonly void Visit(in HashField field) => Sign(field.Name, field.Value);

        private readonly void Sign(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
        {
            var pair = new DebugDigest();
            pair.Mix(first);
            pair.Mix(second);
            Each.Add(pair.sum);
        }
    }

    private unsafe struct Gathering : IRecordVisitor
    {
        public List<nint> Records;

        public readonly void Visit(byte* record) => Records.Add((nint)record);
    }
}
