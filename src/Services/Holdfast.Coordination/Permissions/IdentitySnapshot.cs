using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Coordination.Permissions;

/// <summary>The identities' part of a snapshot: a head and then records, in chunks. The view is immutable, so capturing it costs nothing.</summary>
internal sealed class IdentitySnapshot(IdentityView view)
{
    private const int RecordsPerChunk = 1024;
    private readonly IEnumerator<UserRecord> users = view.Users.Values.GetEnumerator();
    private readonly IEnumerator<RoleRecord> roles = view.Roles.Values.GetEnumerator();
    private readonly IEnumerator<ApiKeyRecord> keys = view.ApiKeys.Values.GetEnumerator();
    private bool hasHead;

    /// <summary>Writes some; true when there is nothing more.</summary>
    public bool Write(SpanWriter writer)
    {
        if (!hasHead) IdentityCodec.WriteHead(writer, view);
        hasHead = true;
        for (var count = 0; count < RecordsPerChunk; count++)
        {
            if (users.MoveNext()) IdentityCodec.Write(writer, users.Current);
            else if (roles.MoveNext()) IdentityCodec.Write(writer, roles.Current);
            else if (keys.MoveNext()) IdentityCodec.Write(writer, keys.Current);
            else return true;
        }

        return false;
    }
}

/// <summary>Reads them back.</summary>
internal sealed class IdentityRestore
{
    private bool hasHead;

    /// <summary>What has been read so far.</summary>
    public IdentityView View { get; private set; } = new();

    /// <summary>Reads the next piece of a chunk.</summary>
    public void Read(ref SpanReader reader)
    {
        var read = hasHead ? IdentityCodec.ReadRecord(ref reader, View) : IdentityCodec.ReadHead(ref reader);
        Invariant.Holds(read is not null, "a snapshot's identities are of a format that this binary does not know, or damaged");
        (View, hasHead) = (read!, true);
    }
}
