using System.Security.Cryptography.X509Certificates;
using Holdfast.Primitives;

namespace Holdfast.Transport;

/// <summary>A request of another node, or of one that wants to become one.</summary>
/// <param name="Verb">What is asked for.</param>
/// <param name="Payload">The question; the handler may keep it.</param>
/// <param name="Caller">Who asks by its own word; none for a node that has no id yet.</param>
/// <param name="CallerCluster">Its cluster by its own word; none while it has none.</param>
/// <param name="CallerFeatureLevel">The highest feature level that its binary knows.</param>
/// <param name="IsAuthenticated">Whether it showed a certificate of the cluster. Without TLS always true.</param>
/// <param name="Remote">Where the call comes from, for the log.</param>
public readonly record struct ControlRequest(
    ushort Verb, ReadOnlyMemory<byte> Payload, NodeId Caller, ClusterId CallerCluster, uint CallerFeatureLevel, bool IsAuthenticated, string Remote)
{
    /// <summary>The certificate that it showed; null in the clear, or when it showed none.</summary>
    public X509Certificate2? Certificate { get; init; }
}

/// <summary>How a control call ended. The numbers are the wire's and never change.</summary>
public enum ControlStatus : byte
{
    /// <summary>The payload is the answer.</summary>
    Ok = 0,

    /// <summary>The other node does not know the verb: another version, or not started far enough.</summary>
    UnknownVerb = 1,

    /// <summary>The handler refused or failed; the text says why. It may have acted.</summary>
    Failed = 2,

    /// <summary>The verb needs a certificate of the cluster.</summary>
    NoCertificate = 3,

    /// <summary>The other node runs as many calls as it allows, or cannot answer just now, and the text says why: try again.</summary>
    Busy = 4,

    /// <summary>Never sent over the wire: the other side is not of the authority that was asked for. Nothing was told to it.</summary>
    WrongAuthority = 254,

    /// <summary>Never sent over the wire: no connection, no answer in time, or an answer that makes no sense. Whether the other node acted is not known.</summary>
    Unreachable = 255,
}

/// <summary>The answer to a control call.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Payload">The answer, when <see cref="ControlStatus.Ok"/>.</param>
/// <param name="Fault">In words, otherwise.</param>
/// <param name="Server">Who answered, when anyone did.</param>
/// <param name="ServerCluster">The answerer's cluster; none while it has none.</param>
public readonly record struct ControlReply(ControlStatus Status, ReadOnlyMemory<byte> Payload, string Fault, NodeId Server, ClusterId ServerCluster)
{
    /// <summary>Whether there is an answer.</summary>
    public bool IsOk => Status == ControlStatus.Ok;
}

/// <summary>Thrown by a control handler to refuse in words that the caller is shown.</summary>
/// <param name="reason">The words.</param>
/// <param name="mayPass">Whether the same call may be answered later: the caller is told <see cref="ControlStatus.Busy"/>.</param>
public sealed class ControlRefusedException(string reason, bool mayPass = false) : Exception(reason)
{
    /// <summary>Whether it is worth asking again.</summary>
    public bool MayPass => mayPass;
}
