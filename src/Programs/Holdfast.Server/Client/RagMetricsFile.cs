using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Holdfast.Primitives.Metrics;

namespace Holdfast.Server.Client;

/// <summary>
/// What <c>holdfast rag</c> counted, added to a file in the text exposition format. A program that runs for a moment has no page that could be read; node exporters read such files (their textfile collector). The
/// file is replaced whole, so nobody reads half of it, and several programs may add to it.
/// </summary>
internal sealed class RagMetricsFile : IDisposable
{
    private const string MeterName = "Holdfast.Rag";

    /// <summary>As long waits a program for others that add to the file.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly string path;
    private readonly MeterListener listener = new();
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, string> helps = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Name, string Labels), double> counted = [];

    /// <summary>Counts from now on.</summary>
    /// <exception cref="ArgumentException">The file's folder is not there.</exception>
    public RagMetricsFile(string path)
    {
        this.path = Path.GetFullPath(path);
        if (!Directory.Exists(Path.GetDirectoryName(this.path))) throw new ArgumentException($"--metrics {path}: its folder is not there");
        listener.InstrumentPublished = (instrument, to) =>
        {
            if (instrument.Meter.Name != MeterName) return;
            lock (gate) helps[instrument.Name] = instrument.Description ?? "";
            to.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, amount, tags, _) => Add(instrument.Name, LabelsOf(tags), amount));
        listener.Start();
    }

    /// <summary>Adds to the file what was counted since; counts nothing any more.</summary>
    /// <exception cref="IOException">The file cannot be written, or others keep adding to it.</exception>
    public void Save()
    {
        listener.Dispose();
        using var turn = TakeTurn();
        if (File.Exists(path))
            foreach (var line in File.ReadLines(path)) AddLine(line);
        var page = new MetricsRegistry();
        foreach (var ((name, labels), sum) in counted.Where(each => helps.ContainsKey(each.Key.Name))) page.SampledCounter(name, helps[name], () => sum, labels);
        File.WriteAllText(path + ".new", page.Print());
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <inheritdoc/>
    public void Dispose() => listener.Dispose();

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new List<string>(tags.Length);
        foreach (var (key, value) in tags) labels.Add($"{key}=\"{value}\"");
        return string.Join(',', labels);
    }

    private void Add(string name, string labels, double amount)
    {
        lock (gate) counted[(name, labels)] = counted.GetValueOrDefault((name, labels)) + amount;
    }

    /// <summary>What an earlier run left in the file; what is none of ours is left out.</summary>
    private void AddLine(string line)
    {
        var end = line.LastIndexOf(' ');
        if (line.StartsWith('#') || end < 0 || !double.TryParse(line.AsSpan(end + 1), CultureInfo.InvariantCulture, out var sum)) return;
        var brace = line.IndexOf('{', StringComparison.Ordinal);
        if (brace < 0) Add(line[..end], "", sum);
        else if (line[end - 1] == '}') Add(line[..brace], line[(brace + 1)..(end - 1)], sum);
    }

    /// <summary>One program at a time reads the file and replaces it.</summary>
    private FileStream TakeTurn()
    {
        for (var begun = Stopwatch.GetTimestamp(); ; Thread.Sleep(20))
        {
            try
            {
                return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(begun) < Patience)
            {
                // Somebody else adds just now.
            }
        }
    }
}
