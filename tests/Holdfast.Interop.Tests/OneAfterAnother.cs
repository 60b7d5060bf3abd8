// Each test starts processes of its own, most of them three; side by side they would test the machine's patience and not the servers.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
