using System.Reflection;
using System.Runtime.InteropServices;
using Cloud.Unum.USearch;

namespace Holdfast.VectorBench;

/// <summary>
/// NuGet's USearch with the same graph parameters. Cosine over vectors of length one is their inner product. Its C# surface cannot change how many candidates a search keeps; its native library can. Queries are
/// arrays, made outside the measured time.
/// </summary>
internal sealed partial class USearchSubject(DataSet set) : ISubject
{
    private readonly float[][] queries = [.. Enumerable.Range(0, set.QueryCount).Select(query => set.Queries.AsSpan(query * set.Dims, set.Dims).ToArray())];
    private readonly USearchIndex index = new(set.IsCosine ? MetricKind.Ip : MetricKind.L2sq, ScalarKind.Float32, (ulong)set.Dims, 16, 200, 64);

    public void Build()
    {
        for (var row = 0; row < set.Rows; row++) index.Add((ulong)row, set.Vectors.AsSpan(row * set.Dims, set.Dims).ToArray());
    }

    public void Expand(int ef)
    {
        var handle = (nint)typeof(USearchIndex).GetField("_index", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(index)!;
        ChangeExpansionSearch(handle, (nuint)ef, out var error);
        if (error != 0) throw new InvalidOperationException(Marshal.PtrToStringUTF8(error));
    }

    public void Search(int query, Span<int> found)
    {
        var count = index.Search(queries[query], DataSet.Wanted, out var keys, out _);
        for (var at = 0; at < DataSet.Wanted; at++) found[at] = at < count ? (int)keys[at] : -1;
    }

    [LibraryImport("libusearch_c", EntryPoint = "usearch_change_expansion_search")]
    private static partial void ChangeExpansionSearch(nint index, nuint expansion, out nint error);
}
