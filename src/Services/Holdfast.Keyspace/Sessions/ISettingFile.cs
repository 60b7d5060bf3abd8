namespace Holdfast.Keyspace;

/// <summary>Where CONFIG REWRITE keeps a node's settings over restarts.</summary>
internal interface ISettingFile
{
    /// <summary>Writes these in the place of what was there, durably, and says on the loop's thread whether it is done: null, or why not.</summary>
    void Write(IReadOnlyList<(string Name, string Value)> settings, Action<string?> done);
}
