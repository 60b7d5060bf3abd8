using System.Diagnostics;
using Holdfast.Coordination.Endpoints;

namespace Holdfast.Server.Client;

/// <summary>What one address answered when it was asked for its status.</summary>
/// <param name="Address">The URL that was asked.</param>
/// <param name="Name">The member's name, where it is known.</param>
/// <param name="Status">Its answer; null when there was none.</param>
/// <param name="Failure">Why there was none.</param>
/// <param name="ClockSkew">How far its clock is from ours, at least: what the round trip cannot explain.</param>
internal sealed record NodeAnswer(string Address, string Name, NodeStatus? Status, string Failure, TimeSpan ClockSkew);

/// <summary>Asks every node of a cluster how it is: the named endpoints first, then the members that they tell of.</summary>
internal static class ClusterSurvey
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>An answer for each address, named ones first; members of several addresses are asked at the first.</summary>
    public static async Task<IReadOnlyList<NodeAnswer>> AskAsync(ClientAccess access, CancellationToken cancel)
    {
        var answers = (await Task.WhenAll(access.Endpoints.Select(url => AskOneAsync(access, url, "", cancel)))).ToList();
        var known = answers.Where(answer => answer.Status is not null).Select(answer => answer.Status!.NodeId).ToHashSet(StringComparer.Ordinal);
        var others = new List<Task<NodeAnswer>>();
        foreach (var member in answers.Where(answer => answer.Status is not null).SelectMany(answer => answer.Status!.Members).DistinctBy(member => member.NodeId).ToList())
        {
            if (!known.Add(member.NodeId)) continue;
            var url = member.ClientAddress.Split(',')[0];

            // It was named and did not answer: it is the member whose address that is.
            if (answers.FindIndex(answer => answer.Status is null && answer.Address == url) is >= 0 and var at) answers[at] = answers[at] with { Name = member.Name };
            else others.Add(AskOneAsync(access, url, member.Name, cancel));
        }

        answers.AddRange(await Task.WhenAll(others));
        return answers;
    }

    private static async Task<NodeAnswer> AskOneAsync(ClientAccess access, string url, string name, CancellationToken cancel)
    {
        try
        {
            using var admin = new AdminClient(url, access, Patience);
            await admin.StatusAsync(cancel); // The first makes the connection; the second tells the time.
            var begun = Stopwatch.GetTimestamp();
            var asked = DateTime.UtcNow;
            var status = await admin.StatusAsync(cancel);
            var took = Stopwatch.GetElapsedTime(begun);
            var skew = (DateTime.UnixEpoch.AddTicks(status.TimeMicros * 10) - asked - (took / 2)).Duration() - (took / 2);
            return new NodeAnswer(url, status.Name, status, "", skew > TimeSpan.Zero ? skew : TimeSpan.Zero);
        }
        catch (Exception silent) when (silent is HttpRequestException or AdminException || (silent is TaskCanceledException && !cancel.IsCancellationRequested))
        {
            var why = silent is TaskCanceledException ? $"no answer within {Patience.TotalSeconds} s" : silent.Message;
            return new NodeAnswer(url, name, null, why, TimeSpan.Zero);
        }
    }
}
