namespace Holdfast.Cluster;

/// <summary>What one face may take of a node. Consensus is no face: it runs first, by priority of its threads, and its memory is kept free (<see cref="NodeBudget"/>).</summary>
/// <param name="Face">The face.</param>
/// <param name="MemoryBytes">Memory of its state and its queues. At it the face refuses what would grow, by its protocol's own error; deletes and reads go on.</param>
/// <param name="Cores">How many threads of its own it may keep busy, of a lower priority than the loops; 0 for a face that has none: one that works on the loops only, in slices.</param>
public sealed record FaceBudget(Face Face, long MemoryBytes, int Cores = 0);

/// <summary>A node's budget: what the machine has, what is kept for consensus, and what the faces that it carries may take. Pure.</summary>
/// <param name="MachineBytes">Memory that the process may take: the machine's, the container's, or what the operator said.</param>
/// <param name="MachineCores">Processors that the process may use.</param>
/// <param name="Faces">The faces that are switched on.</param>
public sealed record NodeBudget(long MachineBytes, int MachineCores, IReadOnlyList<FaceBudget> Faces)
{
    /// <summary>Kept for logs in memory, snapshots on their way and connections, at least; a tenth of a machine that has more.</summary>
    public const long ReserveBytesMin = 128L * 1024 * 1024;

    /// <summary>Memory that no face may plan with.</summary>
    public long ReserveBytes => Math.Max(ReserveBytesMin, MachineBytes / 10);

    /// <summary>What all faces together may take.</summary>
    public long FaceBytes => Faces.Sum(face => face.MemoryBytes);

    /// <summary>The budget of a face; null for one that is switched off here.</summary>
    public FaceBudget? Of(Face face) => Faces.FirstOrDefault(budget => budget.Face == face);

    /// <summary>What cannot be: a sentence each.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        foreach (var twice in Faces.GroupBy(face => face.Face).Where(same => same.Count() > 1)) faults.Add($"{twice.Key}: has two budgets");
        foreach (var face in Faces)
        {
            if (face.MemoryBytes <= 0) faults.Add($"{face.Face}: a face needs memory");
            if (face.Cores < 0) faults.Add($"{face.Face}: fewer than no cores");
        }

        return faults;
    }

    /// <summary>What works until all of it is used: a sentence each.</summary>
    public IReadOnlyList<string> WorthKnowing()
    {
        var warnings = new List<string>();
        if (FaceBytes > MachineBytes - ReserveBytes)
            warnings.Add($"the faces' memory budgets add up to {MiB(FaceBytes)}, and this node has {MiB(MachineBytes)}, of which {MiB(ReserveBytes)} are kept for consensus: the system may end the process before a face says that it is full; lower a budget, or give the node more memory");
        foreach (var face in Faces.Where(face => face.Cores > MachineCores))
            warnings.Add($"{face.Face} may use {face.Cores} cores, and this node has {MachineCores}");
        return warnings;
    }

    private static string MiB(long bytes) => $"{bytes / (1024 * 1024)} MiB";
}
