namespace Holdfast.Simulation.Cluster;

/// <summary>A bug that is planted around or inside the production code of whole nodes, to prove that this world would find it. Names are unique over both worlds.</summary>
internal enum ClusterMutation : byte
{
    None = 0,
}
