using System.Text;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication.Tests;

/// <summary>The state around a machine: chunks, sessions and time, entry by entry.</summary>
public sealed class GroupStateTests
{
    private static readonly NodeId Self = new(1);
    private static readonly ProposalId Id = new(new NodeId(2), 7);

    private readonly ToyMachine machine = new();
    private ulong index;

    private GroupState State { get; set; } = null!;

    /// <summary>Whoever sent the first chunks to the old leader will not send the rest to the new one (S10).</summary>
    [Fact]
    public void Incomplete_chunks_are_dropped_at_the_first_entry_of_a_later_term()
    {
        State = new GroupState(machine, 4, 1, 1);
        Apply(1, EnvelopeFlags.Chunk, 0, "a=");
        Apply(1, EnvelopeFlags.Chunk, 1, "1");
        Assert.Equal(1, State.PartCount);
        State.Apply(new Entry(Next(2), EntryKind.NoOp, default), Self, false);
        Assert.Equal(0, State.PartCount);
        Assert.False(Apply(2, EnvelopeFlags.Chunk | EnvelopeFlags.LastChunk, 2, "2").Ends);
        Assert.Empty(machine.Map);
    }

    /// <summary>Incomplete chunks are part of state, hash and snapshot (S10): a replica that begins between two chunks executes the command like the others.</summary>
    [Fact]
    public void Incomplete_chunks_travel_in_the_snapshot()
    {
        State = new GroupState(machine, 4, 1, 1);
        var untouched = State.StateHash;
        Apply(1, EnvelopeFlags.Chunk, 0, "a=");
        Assert.NotEqual(untouched, State.StateHash);
        var first = State;
        var joined = new GroupState(new ToyMachine(), 4, 1, 1);
        var section = new ByteBuffer();
        first.EncodeSection(new SpanWriter(section));
        Assert.True(joined.DecodeSection(section.Written));
        Assert.Equal(first.StateHash, joined.StateHash);
        var last = Entry(1, EnvelopeFlags.Chunk | EnvelopeFlags.LastChunk, 1, "1");
        Assert.True(first.Apply(last, Self, false).Ends);
        Assert.True(joined.Apply(last, Self, false).Ends);
        Assert.Equal("1", ((ToyMachine)joined.Machine).Map["a"]);
        Assert.Equal(first.StateHash, joined.StateHash);
    }

    [Fact]
    public void Time_never_goes_back_over_terms()
    {
        State = new GroupState(machine, 4, 1, 1);
        Apply(1, EnvelopeFlags.None, 0, "a=1", timeMicros: 5000);
        Apply(2, EnvelopeFlags.None, 0, "a=2", timeMicros: 3000);
        Assert.Equal(5000, State.TimeMicros);
    }

    private AppliedEntry Apply(ulong term, EnvelopeFlags flags, uint chunk, string command, long timeMicros = 1) => State.Apply(Entry(term, flags, chunk, command, timeMicros), Self, false);

    private Entry Entry(ulong term, EnvelopeFlags flags, uint chunk, string command, long timeMicros = 1)
    {
        var payload = new ByteBuffer();
        new Envelope { Flags = flags, TimeMicros = timeMicros, Id = Id, Chunk = chunk }.Encode(new SpanWriter(payload));
        new SpanWriter(payload).WriteBytes(Encoding.UTF8.GetBytes(command));
        return new Entry(Next(term), EntryKind.Command, payload.Written.ToArray());
    }

    private LogPosition Next(ulong term) => new(new Term(term), new LogIndex(++index));
}
