namespace Holdfast.Server.Hosting;

/// <summary>A node cannot start; the message says why and what to do.</summary>
internal sealed class CannotStartException(string message, Exception? cause = null) : Exception(message, cause);
