// Each test starts processes of its own, most of them three; side by side they would test the machine's patience and not the servers. On a machine with the cores for it, HOLDFAST_TEST_AT_A_TIME=2 ./test runs two
// classes at a time.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Holdfast.Interop.Tests;

/// <summary>Tests that have the machine for themselves also then: they burn it, count its connections, or look at how soon something happens under load.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>The collection's name.</summary>
    public const string Name = "alone";
}
