namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Aliases and how they change: one entry of the directory, so that several changes are seen at once or not at all.</summary>
internal static class AliasBook
{
    /// <summary>The changed aliases.</summary>
    /// <exception cref="VectorFault">A collection or an alias is not there, or a collection has the alias's name.</exception>
    public static SortedDictionary<string, string> Apply(IReadOnlyDictionary<string, string> aliases, IReadOnlyList<AliasChange> changes, Func<string, bool> isCollection)
    {
        var changed = new SortedDictionary<string, string>(aliases.ToDictionary(), StringComparer.Ordinal);
        foreach (var change in changes)
        {
            if (change.RenamedFrom is { } old)
            {
                if (!changed.Remove(old, out var named)) throw VectorFault.NotFound($"Alias {old} does not exists!");
                changed[change.Alias] = named;
            }
            else if (change.Collection is { } collection)
            {
                if (!isCollection(collection)) throw VectorFault.NoSuchCollection(collection);
                if (isCollection(change.Alias)) throw VectorFault.CollectionExists(change.Alias);
                changed[change.Alias] = collection;
            }
            else
            {
                changed.Remove(change.Alias);
            }
        }

        return changed;
    }
}
