using Google.Protobuf;
using Google.Protobuf.Reflection;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Coordination.Protocol.Tests;

/// <summary>What stands on the wire: bytes written down by hand from etcd's numbers, so that no change of a .proto file goes unseen.</summary>
public sealed class WireTests
{
    [Fact]
    public void A_put_has_etcds_bytes()
    {
        var put = new PutRequest { Key = ByteString.CopyFromUtf8("a"), Value = ByteString.CopyFromUtf8("b"), Lease = 300, PrevKv = true };
        Assert.Equal("0A0161" + "120162" + "18AC02" + "2001", Convert.ToHexString(put.ToByteArray()));
    }

    [Fact]
    public void A_transaction_has_etcds_bytes()
    {
        var txn = new TxnRequest
        {
            Compare = { new Compare { Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Greater, Key = ByteString.CopyFromUtf8("k"), CreateRevision = 1 } },
            Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("k") } } },
        };
        Assert.Equal("0A09" + "0801" + "1001" + "1A016B" + "2801" + "1205" + "1A03" + "0A016B", Convert.ToHexString(txn.ToByteArray()));
    }

    /// <summary>Fields of ours are numbered so high that etcd's clients pass over them; there is one.</summary>
    [Fact]
    public void Only_the_fence_of_a_lock_is_ours()
    {
        FileDescriptor[] files = [RpcReflection.Descriptor, KvReflection.Descriptor, LeaseReflection.Descriptor, AuthReflection.Descriptor, LockReflection.Descriptor, Elections.ElectionReflection.Descriptor];
        var ours = files.SelectMany(file => file.MessageTypes).SelectMany(message => message.Fields.InDeclarationOrder()).Where(field => field.FieldNumber > 1000);
        Assert.Equal(["v3lockpb.LockResponse.fence"], ours.Select(field => field.FullName));
        Assert.Equal("C83E07", Convert.ToHexString(new LockResponse { Fence = 7 }.ToByteArray()));
    }

    [Theory]
    [InlineData("etcdserverpb.KV")]
    [InlineData("etcdserverpb.Watch")]
    [InlineData("etcdserverpb.Lease")]
    [InlineData("etcdserverpb.Cluster")]
    [InlineData("etcdserverpb.Maintenance")]
    [InlineData("etcdserverpb.Auth")]
    public void Services_have_etcds_names(string name) => Assert.Contains(name, RpcReflection.Descriptor.Services.Select(service => service.FullName));
}
