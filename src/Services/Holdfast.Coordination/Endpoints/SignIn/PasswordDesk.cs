using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Cluster;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>
/// Hashes passwords on a few threads of its own, of low priority, behind a bounded queue: a thousand clients that sign in at once make each other wait,
/// and nobody else (etcd #11826). A password that was right is remembered as a keyed hash, so that who signs in again and again is quickly through.
/// The threads come with the work and go when there is none for a while.
/// </summary>
internal sealed class PasswordDesk(int iterations)
{
    /// <summary>Passwords that wait to be hashed; more are refused with "too many requests".</summary>
    public const int WaitingMax = 1024;

    private const int RememberedMax = 4096;
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(10);
    private readonly BlockingCollection<Action> waiting = new(WaitingMax);
    private readonly ConcurrentDictionary<string, byte[]> remembered = new(StringComparer.Ordinal); // By verifier: a changed password has another.
    private readonly byte[] memoryKey = RandomNumberGenerator.GetBytes(32);
    private readonly Lock gate = new();
    private readonly int threadsMax = Math.Clamp(Environment.ProcessorCount / 2, 1, 4);
    private ScramVerifier? decoy;
    private int threads;

    /// <summary>A verifier for a password.</summary>
    public Task<ScramVerifier> HashAsync(string password, byte[] salt, CancellationToken cancel) => Enqueue(() => ScramVerifier.Of(password, salt, iterations), cancel);

    /// <summary>Whether a password is the one. Without a verifier the answer is no, after the same time.</summary>
    public ValueTask<bool> VerifyAsync(ScramVerifier? verifier, string password, CancellationToken cancel)
    {
        if (verifier is null) return new(Enqueue(() => Decoy().Matches(password) && false, cancel));
        var name = verifier.ToString();
        var hash = HMACSHA256.HashData(memoryKey, Encoding.UTF8.GetBytes(name + "\0" + password));
        if (remembered.TryGetValue(name, out var known) && CryptographicOperations.FixedTimeEquals(known, hash)) return new(true);
        return new(Enqueue(() => Check(verifier, name, password, hash), cancel));
    }

    private ScramVerifier Decoy() => decoy ??= ScramVerifier.Of("", new byte[16], iterations);

    private bool Check(ScramVerifier verifier, string name, string password, byte[] hash)
    {
        if (!verifier.Matches(password)) return false;
        if (remembered.Count >= RememberedMax) remembered.Clear();
        remembered[name] = hash;
        return true;
    }

    private Task<T> Enqueue<T>(Func<T> work, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var isTaken = waiting.TryAdd(() =>
        {
            // Who has gone meanwhile is not worked for.
            if (cancel.IsCancellationRequested)
            {
                done.TrySetCanceled(cancel);
                return;
            }

            try
            {
                done.TrySetResult(work());
            }
            catch (Exception failure)
            {
                // The caller's to know; the thread goes on.
                done.TrySetException(failure);
            }
        });
        if (!isTaken) throw new EtcdException(EtcdErrors.TooManyRequests);
        lock (gate)
        {
            if (threads < threadsMax)
            {
                threads++;
                new Thread(Work) { IsBackground = true, Name = "holdfast passwords", Priority = ThreadPriority.BelowNormal }.Start();
            }
        }

        return done.Task;
    }

    private void Work()
    {
        while (true)
        {
            while (waiting.TryTake(out var work, IdleMax)) work();

            // Whoever enqueues after this sees that there is a place for a new thread.
            lock (gate)
            {
                if (waiting.Count > 0) continue;
                threads--;
                return;
            }
        }
    }
}
