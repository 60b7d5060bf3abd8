using System.Collections.Immutable;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>All keys with a prefix, as they were at one revision. A view does not change: the next change is another view.</summary>
/// <param name="Revision">The revision: later views have a larger one.</param>
/// <param name="Keys">The keys, whole (with the prefix), in the order of their characters.</param>
public sealed record PrefixView(long Revision, ImmutableSortedDictionary<string, KeyValue> Keys);
