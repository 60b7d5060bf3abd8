using System.Collections.Frozen;

namespace Holdfast.Client.Extensions;

/// <summary>Keys and values of one revision. Never changed: the next revision is another object.</summary>
/// <param name="Revision">Which revision; everybody who shows the same number shows the same values.</param>
/// <param name="Values">The values by key, without the prefix.</param>
/// <param name="IsFromFile">The cluster has not been heard since this process started: these are the last that were seen before.</param>
public sealed record KeyValues(long Revision, FrozenDictionary<string, string> Values, bool IsFromFile);
