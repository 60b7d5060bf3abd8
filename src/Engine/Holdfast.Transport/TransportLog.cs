namespace Holdfast.Transport;

/// <summary>How much a line matters.</summary>
public enum TransportSeverity
{
    /// <summary>Connections come and go.</summary>
    Information,

    /// <summary>A peer or a stranger did what it should not.</summary>
    Warning,
}

/// <summary>Takes what the transport has to say. Called from several threads; must not block.</summary>
public delegate void TransportLog(TransportSeverity severity, string message);
