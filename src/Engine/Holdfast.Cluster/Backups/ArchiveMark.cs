using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// Written after the entries that it speaks of: everything acknowledged before a moment is in the archive. The moment is the archiving node's clock before it passed a strong read barrier.
/// </summary>
/// <param name="Position">The last entry in the archive then.</param>
/// <param name="CoveredMicros">The moment, in microseconds since the Unix epoch; zero when no leader confirmed it, and then the mark only proves the state.</param>
/// <param name="StateHash">The live state's hash at <paramref name="Position"/>: what a restored one must equal; null (0 on disk) where it was of no position, as a busy leader's is that executes ahead of its log.</param>
internal readonly record struct ArchiveMark(LogPosition Position, long CoveredMicros, ulong? StateHash);
