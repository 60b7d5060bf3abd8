namespace Holdfast.Cluster.Tests;

/// <summary>
/// Random lives of an archive (bases, crashes in the middle of a block, gaps, what is too old forgotten; encrypted in every other) and random restores from it, against what was written. Mistakes are planted
/// in the production code, one per run, and each is found.
/// </summary>
public sealed class BackupModelTests
{
    private const int Seeds = 24;

    [Fact]
    public void Every_restore_has_all_that_was_acknowledged_before_its_moment_and_nothing_stamped_after_it_or_is_refused()
    {
        var (restored, refused) = (0, 0);
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            using var world = new ArchiveWorld(seed, PlantedBackupBug.None);
            if (world.Run() is { } complaint) Assert.Fail($"seed {seed}: {complaint}");
            (restored, refused) = (restored + world.Restored, refused + world.Refused);
        }

        Assert.True(restored > Seeds && refused > Seeds / 2, $"{restored} restores and {refused} refusals prove too little");
    }

    [Theory]
    [InlineData(nameof(PlantedBackupBug.CutTooLate))]
    [InlineData(nameof(PlantedBackupBug.GapOverlooked))]
    [InlineData(nameof(PlantedBackupBug.NeededBaseForgotten))]
    [InlineData(nameof(PlantedBackupBug.TornTailAppendedTo))]
    [InlineData(nameof(PlantedBackupBug.UncoveredMomentRestored))]
    [InlineData(nameof(PlantedBackupBug.StateUncompared))]
    public void A_planted_mistake_is_found(string bug)
    {
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            using var world = new ArchiveWorld(seed, Enum.Parse<PlantedBackupBug>(bug));
            if (IsFound(world)) return;
        }

        Assert.Fail($"{bug} was not found in {Seeds} seeds");
    }

    private static bool IsFound(ArchiveWorld world)
    {
        try
        {
            return world.Run() is not null;
        }
        catch (IOException)
        {
            // An encrypted file does not let itself be appended to after a crash: the mistake cannot be made there, and is looked for in other seeds.
            return false;
        }
    }
}
