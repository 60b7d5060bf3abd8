using System.Globalization;
using Holdfast.Cluster;
using Holdfast.Coordination;

namespace Holdfast.Server.Configuration;

/// <summary>What the faces of this node may take, from the settings and the machine.</summary>
internal static class BudgetPlan
{
    /// <summary>The budget of a node with the given faces; what is wrong is said in <paramref name="faults"/>.</summary>
    public static NodeBudget From(SettingValues values, NodeRoles roles, CoordinationOptions keyspace, List<string> faults)
    {
        var (text, origin) = values[Settings.Memory];
        var machine = Machine(roles, keyspace);
        if (text.Length == 0) return machine;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes > NodeBudget.ReserveBytesMin) return machine with { MachineBytes = bytes };
        faults.Add($"{Settings.Memory.Key} ({origin}): \"{text}\" is not a number of bytes above {NodeBudget.ReserveBytesMin}, which consensus needs alone");
        return machine;
    }

    /// <summary>The budget on this machine as it is. The collector's bound is the container's, where there is one.</summary>
    public static NodeBudget Machine(NodeRoles roles, CoordinationOptions keyspace) =>
        new(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Environment.ProcessorCount, roles.HasFlag(NodeRoles.Coordination) ? [new FaceBudget(Face.Coordination, keyspace.QuotaBytes)] : []);
}
