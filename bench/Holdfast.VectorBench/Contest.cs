using System.Globalization;

namespace Holdfast.VectorBench;

/// <summary>An index that is measured.</summary>
internal interface ISubject
{
    /// <summary>Builds it with this thread alone.</summary>
    void Build();

    /// <summary>Makes ready to keep so many candidates.</summary>
    void Expand(int ef);

    /// <summary>The closest rows of a query.</summary>
    void Search(int query, Span<int> found);
}

/// <summary>Builds an index and asks it everything at rising ef: recall of ten, and queries per CPU-second of the one thread, the best of some rounds.</summary>
internal sealed class Contest(string name, DataSet set, int rounds)
{
    private const double WarmSeconds = 2;

    private static readonly int[] Expansions = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];

    public void Run(ISubject subject)
    {
        var begun = ThreadCost.Seconds;
        subject.Build();
        Say($"build-cpu-s {(ThreadCost.Seconds - begun).ToString("F1", CultureInfo.InvariantCulture)}");
        var found = new int[set.QueryCount * DataSet.Wanted];
        Warm(subject, found);
        foreach (var ef in Expansions)
        {
            subject.Expand(ef);
            var best = 0.0;
            for (var round = 0; round < rounds; round++)
            {
                begun = ThreadCost.Seconds;
                for (var query = 0; query < set.QueryCount; query++) subject.Search(query, found.AsSpan(query * DataSet.Wanted, DataSet.Wanted));
                best = Math.Max(best, set.QueryCount / (ThreadCost.Seconds - begun));
            }

            var recall = set.Recall(found);
            Say(string.Create(CultureInfo.InvariantCulture, $"ef {ef} recall {recall:F4} queries/cpu-s {best:F0}"));
            if (recall > 0.995) break;
        }
    }

    /// <summary>Code that has just been compiled says little: some seconds pass unmeasured.</summary>
    private void Warm(ISubject subject, int[] found)
    {
        subject.Expand(Expansions[3]);
        for (var begun = ThreadCost.Seconds; ThreadCost.Seconds - begun < WarmSeconds;)
            for (var query = 0; query < set.QueryCount; query++) subject.Search(query, found.AsSpan(query * DataSet.Wanted, DataSet.Wanted));
    }

    private void Say(string what) => Console.WriteLine($"{name} {set.Name} {what}");
}
