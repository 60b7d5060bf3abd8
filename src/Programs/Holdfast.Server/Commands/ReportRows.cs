using Holdfast.Client;

namespace Holdfast.Server.Commands;

/// <summary>A key and its value.</summary>
internal sealed record KeyRow(string Key, string Value, long CreateRevision, long ModRevision, long Version, long Lease);

/// <summary>A change that a watch tells: <c>put</c> or <c>del</c>. A deletion has no value.</summary>
internal sealed record ChangeRow(string Type, string Key, string? Value, long Revision);

/// <summary>A setting of a server, and who said so.</summary>
internal sealed record SettingRow(string Key, string Value, string Origin);

/// <summary>A value that a key had; in a history also who wrote it and when, where that was noted.</summary>
internal sealed record VersionRow(long Revision, long Version, string Value, string? Who, DateTimeOffset? When)
{
    public static VersionRow Of(KeyVersionText version) => new(version.Revision, version.Version, version.Value, version.Change?.Who, version.Change?.When);
}

/// <summary>A feature flag at a glance.</summary>
internal sealed record FlagRow(string Name, bool Enabled, double Rollout, int Rules, long Revision);

/// <summary>A service at a glance.</summary>
internal sealed record ServiceRow(string Name, int Healthy, int Instances);

/// <summary>An instance of a service.</summary>
internal sealed record InstanceRow(string Id, string Address, int Port, string Zone, IReadOnlyList<string> Tags, string Health);

/// <summary>A complaint.</summary>
internal sealed record FailureRow(string Code, int Exit, string Message);

/// <summary>Which program this is.</summary>
internal sealed record ProgramRow(string Version, string Runtime, string Platform);

/// <summary>What <c>recover</c> found or did.</summary>
internal sealed record RecoveryRow(string Cluster, IReadOnlyList<string> Story, string Target, string? NewCluster);

/// <summary>What <c>restore</c> or a drill did; without a new cluster nothing was written.</summary>
internal sealed record RestoredRow(IReadOnlyList<string> Groups, string Target, string? NewCluster);

/// <summary>What a folder of certificates holds.</summary>
internal sealed record CertificateRow(string Node, DateTime NotBefore, DateTime NotAfter, IReadOnlyList<string> Authorities, bool Signs, IReadOnlyList<string> Warnings);
