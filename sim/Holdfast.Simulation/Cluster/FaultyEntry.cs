using System.Buffers.Binary;
using Holdfast.Coordination;
using Holdfast.Coordination.Permissions;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Simulation.Cluster;

/// <summary>Entries as a keyspace with a planted mistake would read them: a check that it leaves out finds what it wants to find.</summary>
internal static class FaultyEntry
{
    private const int RenewalsAt = 9, TermAt = 17, ExpiryBytes = 25;

    /// <summary>The command to be executed instead; null when the entry is read as it is.</summary>
    public static byte[]? Of(in CommittedEntry entry, ClusterMutation mutation, CoordinationStateMachine machine)
    {
        var command = entry.Command;
        switch (mutation)
        {
            case ClusterMutation.LeaseEndedByUnconfirmedLeader when IsExpiry(command):
                var byAnyLeader = command.ToArray();
                BinaryPrimitives.WriteUInt64LittleEndian(byAnyLeader.AsSpan(TermAt), entry.Position.Term.Value);
                return byAnyLeader;
            case ClusterMutation.ExpiryIgnoresRenewal when IsExpiry(command) && machine.Store.Leases.Granted.TryGetValue(BinaryPrimitives.ReadInt64LittleEndian(command[1..]), out var grant):
                var whateverCame = command.ToArray();
                BinaryPrimitives.WriteInt64LittleEndian(whateverCame.AsSpan(RenewalsAt), grant.Renewals);
                return whateverCame;
            case ClusterMutation.PermissionAskedAtDoorOnly when machine.Guard.IsOn && !command.IsEmpty && command[0] == (byte)CommandKind.Authorized && AuthCommand.TryTakeName(ref command, out _):
                return AuthCommand.InTheNameOf(new Requester("root", ulong.MaxValue), command.ToArray());
            default:
                return null;
        }
    }

    private static bool IsExpiry(ReadOnlySpan<byte> command) => command.Length == ExpiryBytes && command[0] == (byte)CommandKind.LeaseExpire;
}
