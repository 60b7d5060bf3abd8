using Holdfast.Primitives;

namespace Holdfast.Gossip;

/// <summary>
/// A node's part in the gossip: it probes one other after the next, directly and then through helpers, doubts whom nobody reaches, gives him time to object, and passes on what it hears (SWIM: Das, Gupta, Motivala 2002;
/// Lifeguard: Dadgar, Phillips, Currey 2018). Pure: messages and time in, messages out. It informs; only consensus decides.
/// </summary>
public sealed class GossipNode
{
    private const int ProbesMax = 64;

    private static readonly Mark Suspected = new("gossip: a node was suspected");
    private static readonly Mark Objected = new("gossip: a suspected node objected");
    private static readonly Mark FoundDown = new("gossip: a node was found down");
    private static readonly Mark Helped = new("gossip: a helper reached whom the asker did not");

    private readonly GossipOptions options;
    private readonly SeededRandom dice;
    private readonly Action<NodeId, ReadOnlyMemory<byte>> send;
    private readonly SortedDictionary<NodeId, Known> members = [];
    private readonly List<NodeId> round = [];
    private readonly Dictionary<ulong, Probe> probes = [];
    private readonly NewsQueue news = new();
    private readonly LocalHealth health = new();
    private ulong numbers;
    private ulong age = 1;
    private ReadOnlyMemory<byte> metadata;
    private Instant probeAt = Instant.Zero;

    /// <summary>A node that knows nobody yet.</summary>
    /// <param name="self">This incarnation.</param>
    /// <param name="options">How often, how long.</param>
    /// <param name="dice">For the order of probes.</param>
    /// <param name="send">Sends bytes to a node, once, perhaps in vain.</param>
    public GossipNode(NodeId self, GossipOptions options, SeededRandom dice, Action<NodeId, ReadOnlyMemory<byte>> send)
    {
        Self = self;
        (this.options, this.dice, this.send) = (options, dice, send);
    }

    private sealed class Known
    {
        public GossipState State;
        public ulong Age;
        public ReadOnlyMemory<byte> Metadata;
        public Instant Since;
        public SortedSet<NodeId> Accusers = [];
    }

    private sealed record Probe(NodeId Target, Instant At, NodeId For, ulong ForNumber)
    {
        public bool IsHelpAsked { get; set; }

        public int HelpersHeard { get; set; }

        public int HelpersAsked { get; set; }
    }

    /// <summary>This node.</summary>
    public NodeId Self { get; }

    /// <summary>How this node itself seems to be: 0 is well, 8 is as bad as it gets.</summary>
    public int LocalHealthScore => health.Score;

    /// <summary>Whom it knows, itself not included.</summary>
    public IEnumerable<GossipMember> Members => members.Select(pair => new GossipMember(pair.Key, pair.Value.State, pair.Value.Age, pair.Value.Metadata) { Accusers = pair.Value.Accusers.Count });

    /// <summary>What is believed of a node; alive for one that is not known, of whom nobody has complained.</summary>
    public GossipState StateOf(NodeId node) => members.TryGetValue(node, out var known) ? known.State : GossipState.Alive;

    /// <summary>How many suspect a node.</summary>
    public int AccusersOf(NodeId node) => members.TryGetValue(node, out var known) ? known.Accusers.Count : 0;

    /// <summary>Names a node that is to be looked at: from the directory, or a seed. One that is known already, down included, is left as it is.</summary>
    public void Meet(Instant now, NodeId node)
    {
        if (node == Self || node == NodeId.None || members.ContainsKey(node)) return;
        members[node] = new Known { Since = now };
        round.Insert(dice.Next(round.Count + 1), node);
        if (members.Count == 1) Tell(Self, GossipState.Alive, age, Self, metadata);
    }

    /// <summary>A node is no part of the cluster any more.</summary>
    public void Forget(NodeId node)
    {
        members.Remove(node);
        round.Remove(node);
        news.Forget(node);
    }

    /// <summary>What this node says of itself; told to all when it is new.</summary>
    public void Say(ReadOnlyMemory<byte> said)
    {
        Invariant.Holds(said.Length <= options.MetadataBytesMax, "a node says more of itself than gossip carries");
        if (said.Span.SequenceEqual(metadata.Span)) return;
        metadata = said;
        Tell(Self, GossipState.Alive, ++age, Self, metadata);
    }

    /// <summary>Time has passed: probes whose turn it is, asks for help, ends suspicions. Returns when it wants to be called again.</summary>
    public Instant Tick(Instant now)
    {
        foreach (var (number, probe) in probes.ToArray()) Look(now, number, probe);
        foreach (var (node, known) in members.ToArray())
        {
            if (known.State == GossipState.Suspect && now - known.Since >= SuspicionOf(known)) GiveUp(now, node, known);
            else if (known.State == GossipState.Down && now - known.Since >= options.RememberDown) known.Since = now; // Remembered until somebody forgets it; probed no more than others.
        }

        if (now >= probeAt)
        {
            probeAt = now + health.Stretch(options.Period);
            ProbeNext(now);
        }

        return now + TimeSpan.FromMilliseconds(10) < probeAt ? now + TimeSpan.FromMilliseconds(10) : probeAt;
    }

    /// <summary>A message has come. What is none is dropped.</summary>
    public void OnMessage(Instant now, NodeId from, ReadOnlySpan<byte> bytes)
    {
        if (from == Self || GossipMessage.Decode(bytes, options.MetadataBytesMax) is not { } message) return;
        Meet(now, from);
        foreach (var told in message.News) Hear(now, told);
        switch (message.Verb)
        {
            case GossipVerb.Ping:
                Send(from, GossipVerb.Answer, message.Number, Self);
                break;
            case GossipVerb.Help when probes.Count < ProbesMax && message.Subject != Self:
                Begin(now, message.Subject, from, message.Number);
                break;
            case GossipVerb.Answer when probes.Remove(message.Number, out var probe):
                OnAnswer(probe, message.Subject);
                break;
            case GossipVerb.NoAnswer when probes.TryGetValue(message.Number, out var waiting):
                waiting.HelpersHeard++;
                break;
            default:
                // An answer that came too late: the suspect objects by itself.
                break;
        }
    }

    private int Scale => Math.Max(1, (int)Math.Ceiling(Math.Log10(members.Count + 2) * 2));

    private TimeSpan SuspicionOf(Known known)
    {
        var least = options.Period * options.SuspicionPeriods * Math.Max(1, Math.Log10(members.Count + 1));
        var most = least * options.LonelySuspicionFactor;
        var share = Math.Log(Math.Max(1, known.Accusers.Count)) / Math.Log(options.ConfirmationsMax + 1);
        return TimeSpan.FromTicks(Math.Max(least.Ticks, (most - ((most - least) * share)).Ticks));
    }

    private void ProbeNext(Instant now)
    {
        // Each once, in an order that is shuffled anew each round: whoever is down is probed within two rounds (SWIM section 4.3).
        while (probes.Count < ProbesMax && members.Count > 0)
        {
            if (round.Count == 0)
            {
                round.AddRange(members.Keys);
                for (var i = round.Count - 1; i > 0; i--)
                {
                    var other = dice.Next(i + 1);
                    (round[i], round[other]) = (round[other], round[i]);
                }
            }

            var target = round[^1];
            round.RemoveAt(round.Count - 1);
            if (!members.ContainsKey(target)) continue;
            Begin(now, target, NodeId.None, 0);
            return;
        }
    }

    private void Begin(Instant now, NodeId target, NodeId forWhom, ulong forNumber)
    {
        var number = ++numbers;
        probes[number] = new Probe(target, now, forWhom, forNumber);
        Send(target, GossipVerb.Ping, number, target);
    }

    private void Look(Instant now, ulong number, Probe probe)
    {
        var waited = now - probe.At;
        if (!probe.IsHelpAsked && waited >= health.Stretch(options.AnswerMax))
        {
            probe.IsHelpAsked = true;
            if (probe.For != NodeId.None)
            {
                Send(probe.For, GossipVerb.NoAnswer, probe.ForNumber, probe.Target);
                return;
            }

            foreach (var helper in Helpers(probe.Target))
            {
                probe.HelpersAsked++;
                Send(helper, GossipVerb.Help, number, probe.Target);
            }
        }

        if (waited < health.Stretch(options.Period)) return;
        probes.Remove(number);
        if (probe.For != NodeId.None) return;

        if (!members.TryGetValue(probe.Target, out var known) || known.State == GossipState.Down) return; // That it does not answer is known, and says nothing of ourselves.

        // Helpers that did not even say that they had no answer speak against ourselves.
        if (probe.HelpersHeard == 0) health.Worse(probe.HelpersAsked > 0 ? 2 : 1);
        Hear(now, new GossipNews(probe.Target, GossipState.Suspect, known.Age, Self, known.Metadata));
    }

    private void OnAnswer(Probe probe, NodeId about)
    {
        if (probe.For != NodeId.None)
        {
            Helped.Hit();
            Send(probe.For, GossipVerb.Answer, probe.ForNumber, about);
            return;
        }

        health.Better();
    }

    private IEnumerable<NodeId> Helpers(NodeId target)
    {
        var able = members.Where(pair => pair.Key != target && pair.Value.State == GossipState.Alive).Select(pair => pair.Key).ToList();
        for (var left = options.HelpersAsked; left > 0 && able.Count > 0; left--)
        {
            var at = dice.Next(able.Count);
            yield return able[at];
            able.RemoveAt(at);
        }
    }

    /// <summary>News: believed if it is newer than what is believed, in the order alive, suspect, down at the same age (SWIM section 4.2).</summary>
    private void Hear(Instant now, in GossipNews told)
    {
        if (told.About == Self)
        {
            if (told.State == GossipState.Alive || told.Age < age) return;
            Objected.Hit();
            health.Worse();
            age = told.Age + 1;
            Tell(Self, GossipState.Alive, age, Self, metadata);
            return;
        }

        Meet(now, told.About);
        var known = members[told.About];
        if (told.State == GossipState.Suspect && known.State == GossipState.Suspect && told.Age == known.Age)
        {
            if (known.Accusers.Count > options.ConfirmationsMax || !known.Accusers.Add(told.By)) return;
            Tell(told.About, told.State, told.Age, told.By, known.Metadata); // Another accuser is news: it shortens the time.
            return;
        }

        var isNewer = told.Age > known.Age || (told.Age == known.Age && told.State > known.State);
        if (!isNewer) return;
        if (told.State == GossipState.Suspect) Suspected.Hit();
        (known.State, known.Age, known.Since) = (told.State, told.Age, now);
        if (told.State == GossipState.Alive) known.Metadata = told.Metadata;
        known.Accusers = told.State == GossipState.Suspect ? [told.By] : [];
        Tell(told.About, told.State, told.Age, told.By, known.Metadata);
    }

    private void GiveUp(Instant now, NodeId node, Known known)
    {
        FoundDown.Hit();
        (known.State, known.Since) = (GossipState.Down, now);
        Tell(node, GossipState.Down, known.Age, Self, known.Metadata);
    }

    private void Tell(NodeId about, GossipState state, ulong ofAge, NodeId by, ReadOnlyMemory<byte> said) => news.Add(new GossipNews(about, state, ofAge, by, said));

    private void Send(NodeId to, GossipVerb verb, ulong number, NodeId subject)
    {
        GossipNews? first = members.TryGetValue(to, out var known) && known.State != GossipState.Alive ? new GossipNews(to, known.State, known.Age, Self, known.Metadata) : null;
        var told = news.Take(options.MessageBytesMax - GossipMessage.HeadBytes, options.TellFactor * Scale, first);
        send(to, new GossipMessage(verb, number, subject, told).Encode());
    }
}
