using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Holdfast.Server.Configuration;

/// <summary>The configuration file: YAML, read as a tree of nodes and flattened, so that <c>peer: { listen: ... }</c> is <c>peer.listen</c>.</summary>
internal static class SettingsFile
{
    /// <summary>Reads a file; what is wrong with it goes to <paramref name="faults"/>.</summary>
    public static IReadOnlyDictionary<string, string> Read(string path, List<string> faults)
    {
        try
        {
            using var reader = File.OpenText(path);
            return Parse(reader, path, faults);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            faults.Add($"flag --config: {path} cannot be read: {unreadable.Message}");
            return new Dictionary<string, string>();
        }
    }

    /// <summary>Parses a file's text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">What the file is called in messages.</param>
    /// <param name="faults">What is wrong.</param>
    /// <param name="joinsLists">Whether a list of values is one value with commas between, as etcd's file allows it.</param>
    internal static IReadOnlyDictionary<string, string> Parse(TextReader text, string name, List<string> faults, bool joinsLists = false)
    {
        var flat = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            var yaml = new YamlStream();
            yaml.Load(text);
            if (yaml.Documents.Count > 0) Flatten(yaml.Documents[0].RootNode, "", flat, name, faults, joinsLists);
        }
        catch (YamlException broken)
        {
            faults.Add($"file {name}, line {broken.Start.Line}: {broken.Message}");
        }

        return flat;
    }

    private static void Flatten(YamlNode node, string key, Dictionary<string, string> flat, string name, List<string> faults, bool joinsLists)
    {
        switch (node)
        {
            case YamlMappingNode mapping:
                foreach (var (child, value) in mapping.Children)
                    Flatten(value, key.Length == 0 ? child.ToString() : $"{key}.{child}", flat, name, faults, joinsLists);
                break;
            case YamlScalarNode scalar when key.Length > 0:
                flat[key] = scalar.Value ?? "";
                break;
            case YamlSequenceNode list when joinsLists && list.Children.All(static item => item is YamlScalarNode):
                flat[key] = string.Join(',', list.Children.Select(static item => ((YamlScalarNode)item).Value));
                break;
            default:
                faults.Add($"file {name}, line {node.Start.Line}: expected \"key: value\" lines");
                break;
        }
    }
}
