namespace Holdfast.Server.Hosting;

/// <summary>A node cannot start; the message says why and what to do.</summary>
internal sealed class CannotStartException(string message, Exception? cause = null, int code = ExitCode.Failed) : Exception(message, cause)
{
    /// <summary>What the process ends with.</summary>
    public int Code { get; } = code;
}
