using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Disk;

namespace Holdfast.Simulation.Raft;

/// <summary>What travels between two machines: sender and receiver by incarnation, and a message of the core, of the beats, or of the snapshot pull.</summary>
internal sealed record Packet(NodeId From, NodeId To, object Message);

/// <summary>An append with its entries as bytes, as on a wire.</summary>
internal sealed record AppendPacket(AppendHeader Header, byte[] Entries);

/// <summary>Asks for a chunk of a snapshot that covers at least a position.</summary>
internal sealed record SnapshotPull(LogIndex AtLeast, int Chunk, LogPosition Resume);

/// <summary>A chunk of a snapshot; the receiver asks for the next one.</summary>
internal sealed record SnapshotChunk(StoredSnapshot Content, int Chunk, int Chunks);
