using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

public sealed class KillTableTests
{
    [Fact]
    public void A_table_takes_the_place_of_its_world_on_the_page_and_touches_nothing_else()
    {
        var page = Path.GetTempFileName();
        try
        {
            File.WriteAllText(page, "before\n<!-- table of the raft world -->\n\n| old |\n\n<!-- end -->\nbetween\n<!-- table of the shards world -->\n<!-- end -->\nafter\n");
            var table = KillTable.Of([("VoteLost", new Kill(3, "a|b")), ("Drifts", new Kill(2, "late", IsOfScenario: true)), ("Hidden", null)]);
            KillTable.Write(page, "raft", table);
            Assert.Equal(
                "before\n<!-- table of the raft world -->\n\n| planted bug | seeds to kill | found as |\n|---|---|---|\n| VoteLost | 3 | a\\|b |\n| Drifts | scenario, 2 | late |\n| Hidden | **not found** |  |\n\n<!-- end -->\nbetween\n<!-- table of the shards world -->\n<!-- end -->\nafter\n",
                File.ReadAllText(page));
            Assert.Throws<FormatException>(() => KillTable.Write(page, "cluster", table));
        }
        finally
        {
            File.Delete(page);
        }
    }
}
