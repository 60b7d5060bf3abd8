using Holdfast.Primitives;

namespace Holdfast.Transport.Tests;

public sealed class PeerLineTests
{
    [Fact]
    public void A_reason_that_stays_is_said_again_ever_more_rarely()
    {
        var options = new TransportOptions();
        var line = new PeerLine(new NodeId(2), options.RedialMin);
        var said = new List<int>();
        for (var attempt = 1; attempt <= 300; attempt++)
            if (line.BecomeUnreached(Instant.Zero, options, "ConnectionRefused")) said.Add(attempt);
        Assert.Equal([1, 64, 128, 256], said);
        Assert.True(line.BecomeUnreached(Instant.Zero, options, "TimedOut"));
        Assert.False(line.BecomeUnreached(Instant.Zero, options, "TimedOut"));
    }
}
