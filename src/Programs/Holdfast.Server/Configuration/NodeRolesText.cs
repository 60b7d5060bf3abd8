using Holdfast.Cluster;

namespace Holdfast.Server.Configuration;

/// <summary>Roles as people write them: the faces' names with commas between, witness for the others, or none.</summary>
internal static class NodeRolesText
{
    private const string None = "none";

    private static readonly (string Name, NodeRoles Role)[] Names =
        [("coordination", NodeRoles.Coordination), ("keyspace", NodeRoles.Keyspace), ("vectors", NodeRoles.Vectors), ("postgres", NodeRoles.Postgres), ("witness", NodeRoles.Witness)];

    /// <summary>The names of some roles.</summary>
    public static string Of(NodeRoles roles)
    {
        var names = Names.Where(known => roles.HasFlag(known.Role)).Select(known => known.Name).ToArray();
        return names.Length == 0 ? None : string.Join(',', names);
    }

    /// <summary>Parses them; what nobody knows is said in <paramref name="faults"/>.</summary>
    public static NodeRoles From(SettingValues values, List<string> faults)
    {
        var (text, origin) = values[Settings.Roles];
        if (text.Length == 0) return Served(values);
        var roles = NodeRoles.None;
        if (text == None) return roles;
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (Array.Find(Names, known => known.Name == word) is { Name: not null } found) roles |= found.Role;
            else faults.Add($"{Settings.Roles.Key} ({origin}): \"{word}\" is no face; known are {string.Join(", ", Names.Select(known => known.Name))}, or {None}");
        }

        return roles;
    }

    /// <summary>Unless told otherwise, a node carries the faces that it serves.</summary>
    private static NodeRoles Served(SettingValues values) =>
        NodeRoles.Coordination
        | (values[Settings.Redis].Text.Length + values[Settings.RedisTls].Text.Length == 0 ? NodeRoles.None : NodeRoles.Keyspace)
        | (values[Settings.Vectors].Text.Length + values[Settings.VectorsGrpc].Text.Length == 0 ? NodeRoles.None : NodeRoles.Vectors);
}
