namespace Holdfast.Keyspace;

/// <summary>
/// The users of the cluster. Each is a setting that all nodes share, "redis.user.NAME", whose value is his rules: so ACL SETUSER on one node holds on all, and outlives them. Nobody but "default" is there before, who may do
/// everything and needs no password.
/// </summary>
internal sealed class AclUsers(KeyspaceNode node)
{
    public const string Prefix = "redis.user.";

    private readonly SortedDictionary<string, AclUser> users = new(StringComparer.Ordinal);
    private long revision = -1;

    /// <summary>Rises when users may have changed.</summary>
    public long Revision => node.Shared.Revision;

    /// <summary>The users by name.</summary>
    public IReadOnlyDictionary<string, AclUser> All
    {
        get
        {
            Follow();
            return users;
        }
    }

    public AclUser Default => All[AclUser.Default];

    public AclUser? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>Users have changed: cuts off who is signed in as one that is no more, and who listens to what he may not hear any more. One whose own command this is hears its reply first.</summary>
    public void CutOff()
    {
        foreach (var client in node.Clients.Values.ToArray())
        {
            if (client.IsLeaving) continue;
            var user = client.User; // Says that it leaves, when there is no such user any more.
            if (!client.IsLeaving && (user is null || client.Subscribed.AreAllowedTo(user))) continue;
            if (client.HasRequest && !client.IsBlocked) client.IsLeaving = true;
            else client.Close();
        }
    }

    private void Follow()
    {
        if (revision == node.Shared.Revision) return;
        revision = node.Shared.Revision;
        users.Clear();
        var first = new AclUser(AclUser.Default, node.Table);
        first.Apply(["on", "nopass", "~*", "&*", "+@all"]);
        users[AclUser.Default] = first;
        foreach (var (key, rules) in node.Shared.Values)
        {
            if (!key.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            var user = new AclUser(key[Prefix.Length..], node.Table);
            if (user.Apply(rules.Split(' ')) is { } fault)
            {
                // Rules that this version does not know: he may do nothing here rather than too much.
                node.Say?.Invoke(true, $"the rules of the Redis user {user.Name} are not understood: {fault}");
                user = new AclUser(user.Name, node.Table);
            }

            users[user.Name] = user;
        }
    }
}
