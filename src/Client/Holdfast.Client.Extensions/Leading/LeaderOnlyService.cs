using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Client.Extensions;

/// <summary>
/// A background service of which one runs in the whole cluster (R1.1): it campaigns, works while it leads, is told to stop when leadership is lost or the host stops, and campaigns again. When the work ends by itself
/// the service is done and resigns; when it throws, it resigns first, and the host decides (as for every BackgroundService).
/// <para>Work that does not listen to its token goes on while somebody else leads already: write with <see cref="Tenure.StillHeld"/> or compare <see cref="Tenure.Fence"/> where that would do harm (S22).</para>
/// </summary>
/// <param name="client">Whom to ask; kept, not disposed.</param>
/// <param name="election">The election's name: services of the same name take turns, also those that <c>holdfast elect</c> runs.</param>
/// <param name="options">How soon others may lead when this process is gone; <see cref="TenureOptions.Wait"/> is not looked at.</param>
/// <param name="log">Where it is said who leads.</param>
public abstract partial class LeaderOnlyService(HoldfastClient client, string election, TenureOptions? options = null, ILogger? log = null) : BackgroundService
{
    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromSeconds(1);

    private readonly TenureOptions tenure = (options ?? TenureOptions.Default) with { Wait = null };
    private readonly ILogger log = log ?? NullLogger.Instance;

    /// <summary>What the leader proclaims: this machine's name, unless overridden.</summary>
    protected virtual string Value => Environment.MachineName;

    /// <summary>The work.</summary>
    /// <param name="leadership">The fence, and the comparison for transactions.</param>
    /// <param name="stop">Cancelled when leadership is lost, or the host stops.</param>
    protected abstract Task LeadAsync(Leadership leadership, CancellationToken stop);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
            try
            {
                if (await CampaignAsync(stoppingToken).ConfigureAwait(false) is not { } leadership) continue;
                await using (leadership.ConfigureAwait(false))
                {
                    Elected(log, election, leadership.Fence);
                    using var over = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, leadership.Lost);
                    if (await WorkAsync(leadership, over.Token).ConfigureAwait(false)) return;
                    if (!stoppingToken.IsCancellationRequested) Lost(log, election);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
    }

    [LoggerMessage(1, LogLevel.Information, "leads {Election}, fence {Fence}")]
    private static partial void Elected(ILogger log, string election, long fence);

    [LoggerMessage(2, LogLevel.Warning, "leads {Election} no more: the work was stopped")]
    private static partial void Lost(ILogger log, string election);

    [LoggerMessage(3, LogLevel.Warning, "cannot campaign for {Election}: {Why}")]
    private static partial void Refused(ILogger log, string election, string why);

    /// <summary>True when the work is done; false when it was stopped.</summary>
    private async Task<bool> WorkAsync(Leadership leadership, CancellationToken stop)
    {
        try
        {
            await LeadAsync(leadership, stop).ConfigureAwait(false);
            return !stop.IsCancellationRequested;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<Leadership?> CampaignAsync(CancellationToken stop)
    {
        try
        {
            return await client.CampaignAsync(election, Value, tenure, stop).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is RpcException or OutcomeUnknownException && !stop.IsCancellationRequested)
        {
            Refused(log, election, failure.Message);
            await Task.Delay(PauseAfterRefusal, stop).ConfigureAwait(false);
            return null;
        }
    }
}
