using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>A node's log while it is open: what its loops hand over becomes durable here. <see cref="WalThread"/> over the <see cref="WriteAheadLog"/>, or whatever an embedder keeps batches in (R1.7).</summary>
public interface INodeLog : IWalQueue, IDisposable
{
    /// <summary>How long the oldest batch waits that is not yet durable; zero when nothing waits. From any thread. A node whose log stands still asks for no support, so that others lead (S2).</summary>
    TimeSpan ProgressAge { get; }
}

/// <summary>
/// Opens a node's log. What it returns as recovery must be durable by then, not merely readable (S7), and holds every batch that was ever completed: a log that forgot one may vote twice. Disposed, it makes durable what was
/// submitted, or says nothing more.
/// </summary>
/// <param name="cluster">The node's cluster: a log of another one is refused.</param>
/// <param name="completions">Who is told about the fate of batches, on any one thread.</param>
/// <param name="judge">Called with what the log held, before anything is changed; throws to refuse it.</param>
/// <exception cref="WalRefusedException">The log is of another cluster or of a newer version, or is damaged beyond what it can say.</exception>
public delegate (INodeLog Log, WalRecovery Recovery) LogOpening(ClusterId cluster, IWalCompletions completions, Action<WalRecovery>? judge);
