using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>CLIENT TRACKING and what belongs to it: clients that cache keys hear when these change.</summary>
internal sealed class TrackingCommands : ICommandFamily
{
    private const string OtherMode = "before disabling tracking for this client, and then re-enabling it with a different mode.";

    public void Bind(CommandTable table)
    {
        table.Bind("client|tracking", Track, "Tells the client when keys that it may have cached change");
        table.Bind("client|caching", Cache, "Says whether the next command's keys are tracked");
        table.Bind("client|trackinginfo", Info, "Describes what the client tracks");
        table.Bind("client|getredir", Redirection, "Says which client hears what this one tracks");
    }

    private static void Redirection(CommandCall call) => call.Reply.Integer(call.Client!.Tracking is { IsOn: true } tracking ? tracking.Redirect : -1);

    private static void Track(CommandCall call)
    {
        var client = call.Client!;
        var (redirect, isBroadcast, isOptIn, isOptOut, isNoLoop) = (0L, false, false, false, false);
        var prefixes = new List<byte[]>();
        for (var at = 3; at < call.Count; at++)
        {
            var hasMore = at + 1 < call.Count;
            if (call.Is(at, "REDIRECT"u8) && hasMore)
            {
                at++;
                if (redirect != 0)
                {
                    call.Reply.Error("ERR A client can only redirect to a single other client"u8);
                    return;
                }

                if (!call.TryInteger(at, out redirect)) return;

                if (redirect != 0 && !call.Node.Clients.ContainsKey(redirect))
                {
                    call.Reply.Error("ERR The client ID you want redirect to does not exist"u8);
                    return;
                }
            }
            else if (call.Is(at, "BCAST"u8)) isBroadcast = true;
            else if (call.Is(at, "OPTIN"u8)) isOptIn = true;
            else if (call.Is(at, "OPTOUT"u8)) isOptOut = true;
            else if (call.Is(at, "NOLOOP"u8)) isNoLoop = true;
            else if (call.Is(at, "PREFIX"u8) && hasMore) prefixes.Add(call[++at].ToArray());
            else
            {
                call.SyntaxError();
                return;
            }
        }

        if (call.Is(2, "ON"u8))
        {
            if (Refusal(client.Tracking, isBroadcast, isOptIn, isOptOut, prefixes) is { } refusal)
            {
                call.Reply.Error(refusal);
                return;
            }

            var tracking = client.Tracking;
            (tracking.IsOn, tracking.IsBroadcast, tracking.IsOptIn, tracking.IsOptOut, tracking.IsNoLoop, tracking.IsBroken, tracking.Redirect) = (true, isBroadcast, isOptIn, isOptOut, isNoLoop, false, redirect);
            tracking.Prefixes.AddRange(prefixes.Where(prefix => !tracking.Prefixes.Exists(known => known.AsSpan().SequenceEqual(prefix))));
            call.Node.Tracking.Add(client);
        }
        else if (call.Is(2, "OFF"u8))
        {
            call.Node.Tracking.Remove(client);
            client.Tracking.TurnOff();
        }
        else
        {
            call.SyntaxError();
            return;
        }

        call.Reply.Ok();
    }

    private static string? Refusal(ClientTracking tracking, bool isBroadcast, bool isOptIn, bool isOptOut, List<byte[]> prefixes)
    {
        if (!isBroadcast && prefixes.Count > 0) return "ERR PREFIX option requires BCAST mode to be enabled";
        if (tracking.IsOn && tracking.IsBroadcast != isBroadcast) return "ERR You can't switch BCAST mode on/off " + OtherMode;
        if (isBroadcast && (isOptIn || isOptOut)) return "ERR OPTIN and OPTOUT are not compatible with BCAST";
        if (isOptIn && isOptOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
        if ((isOptIn && tracking.IsOptOut) || (isOptOut && tracking.IsOptIn)) return "ERR You can't switch OPTIN/OPTOUT mode " + OtherMode;
        return isBroadcast ? Overlap(tracking, prefixes) : null;
    }

    private static string? Overlap(ClientTracking tracking, List<byte[]> prefixes)
    {
        for (var i = 0; i < prefixes.Count; i++)
        {
            foreach (var known in tracking.Prefixes)
                if (Overlaps(known, prefixes[i]) && !known.AsSpan().SequenceEqual(prefixes[i])) return $"ERR Prefix '{Text(prefixes[i])}' overlaps with an existing prefix '{Text(known)}'. Prefixes for a single client must not overlap.";
            for (var j = i + 1; j < prefixes.Count; j++)
                if (Overlaps(prefixes[i], prefixes[j])) return $"ERR Prefix '{Text(prefixes[i])}' overlaps with another provided prefix '{Text(prefixes[j])}'. Prefixes for a single client must not overlap.";
        }

        return null;
    }

    private static bool Overlaps(byte[] left, byte[] right)
    {
        var length = Math.Min(left.Length, right.Length);
        return left.AsSpan(0, length).SequenceEqual(right.AsSpan(0, length));
    }

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    private static void Cache(CommandCall call)
    {
        var tracking = call.Client!.Tracking;
        if (!tracking.IsOn || !(tracking.IsOptIn || tracking.IsOptOut))
        {
            call.Reply.Error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"u8);
            return;
        }

        var isYes = call.Is(2, "YES"u8);
        if (!isYes && !call.Is(2, "NO"u8))
        {
            call.SyntaxError();
            return;
        }

        if (isYes != tracking.IsOptIn)
        {
            call.Reply.Error(isYes ? "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode." : "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
            return;
        }

        tracking.IsCachingSaid = true;
        call.Reply.Ok();
    }

    private static void Info(CommandCall call)
    {
        var tracking = call.Client!.Tracking;
        var flags = new List<string> { tracking.IsOn ? "on" : "off" };
        if (tracking.IsBroadcast) flags.Add("bcast");
        if (tracking.IsOptIn) flags.Add("optin");
        if (tracking is { IsOptIn: true, IsCachingSaid: true }) flags.Add("caching-yes");
        if (tracking.IsOptOut) flags.Add("optout");
        if (tracking is { IsOptOut: true, IsCachingSaid: true }) flags.Add("caching-no");
        if (tracking.IsNoLoop) flags.Add("noloop");
        if (tracking.IsBroken) flags.Add("broken_redirect");
        var reply = call.Reply;
        reply.Map(3);
        reply.Bulk("flags"u8);
        reply.Set(flags.Count);
        foreach (var flag in flags) reply.Bulk(flag);
        reply.Bulk("redirect"u8);
        reply.Integer(tracking.IsOn ? tracking.Redirect : -1);
        reply.Bulk("prefixes"u8);
        reply.Array(tracking.Prefixes.Count);
        foreach (var prefix in tracking.Prefixes) reply.Bulk(prefix);
    }
}
