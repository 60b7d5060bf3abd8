using System.Security.Cryptography;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// Founding a cluster over control calls: asks the other listed nodes who they are, feeds the answers to a <see cref="Bootstrap"/>, and keeps what comes out.
/// Goes on answering afterwards, so that a listed node that comes late learns of the genesis.
/// </summary>
public sealed class FoundingTalk
{
    /// <summary>The control verb of the question "who are you?".</summary>
    public const ushort WhoAreYou = 1;

    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2);

    private readonly IDisk disk;
    private readonly LocalNode self;
    private readonly MemberRecord member;
    private readonly IReadOnlyList<(string Name, string Address)> listed;
    private readonly Bootstrap bootstrap;
    private readonly Lock gate = new();
    private Genesis? settled;

    /// <summary>A talk of the listed nodes, this one among them.</summary>
    /// <param name="disk">The data directory.</param>
    /// <param name="self">Who this process is.</param>
    /// <param name="member">What the genesis should say of it.</param>
    /// <param name="listed">Every founder's name and peer address.</param>
    public FoundingTalk(IDisk disk, LocalNode self, MemberRecord member, IReadOnlyList<(string Name, string Address)> listed)
    {
        (this.disk, this.self, this.member, this.listed) = (disk, self, member, listed);
        settled = GenesisFile.Read(disk);
        bootstrap = new Bootstrap(member, listed.Select(one => one.Name));
    }

    /// <summary>Answers the others. Before the listener starts.</summary>
    public void Serve(ControlService control) => control.Add(WhoAreYou, (request, _) => new(Answer(request)));

    /// <summary>Returns the genesis: the one on disk, or the one that the listed nodes found together.</summary>
    /// <exception cref="DataDirectoryUnusableException">The others form a cluster that does not know this incarnation.</exception>
    public async Task<Genesis> FoundAsync(Action<string> progress, CancellationToken cancel)
    {
        if (settled is not null) return settled;
        var silentBefore = "";
        while (true)
        {
            if (Advance() is { } genesis) return genesis;
            foreach (var (name, address) in listed)
                if (name != member.Name) await AskAsync(address, cancel).ConfigureAwait(false);
            if (Advance() is { } found) return found;
            var silent = Silent();
            if (silent != silentBefore && silent.Length > 0) progress($"a new cluster begins when every founder is there; waiting for {silent}");
            silentBefore = silent;
            await Task.Delay(AskAgain, cancel).ConfigureAwait(false);
        }
    }

    private string Silent()
    {
        lock (gate) return string.Join(", ", bootstrap.Silent);
    }

    private Genesis? Advance()
    {
        lock (gate)
        {
            switch (bootstrap.Phase)
            {
                case BootstrapPhase.Form:
                    var formed = bootstrap.Form(new ClusterId(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1), "", []);
                    GenesisFile.Write(disk, formed);
                    bootstrap.OnFormed(formed);
                    return settled = formed;
                case BootstrapPhase.Adopt:
                    GenesisFile.Write(disk, bootstrap.Found!);
                    return settled = bootstrap.Found;
                case BootstrapPhase.JoinAsReplacement:
                    throw new DataDirectoryUnusableException(
                        $"the cluster {bootstrap.Found!.Cluster} knows {member.Name} as another incarnation: this data directory is new, or not the one that {member.Name} had. Give it the old --data directory; an empty one would have to join as a replacement (S4)");
                case BootstrapPhase.Refused:
                    throw new DataDirectoryUnusableException($"the listed nodes form the cluster {bootstrap.Found!.Cluster}, which does not know {member.Name}: check --cluster and --name");
                default:
                    return null;
            }
        }
    }

    private async Task AskAsync(string address, CancellationToken cancel)
    {
        var question = new ByteBuffer(64);
        new SpanWriter(question).WriteText(member.Name);
        var reply = await ControlClient.CallAsync(address, WhoAreYou, question.Written.ToArray(), AnswerWithin, ControlTrust.Plain, self, cancellation: cancel).ConfigureAwait(false);
        if (!reply.IsOk || !TryDecode(reply.Payload.Span, out var answer)) return;
        lock (gate) bootstrap.OnAnswer(answer);
    }

    private ReadOnlyMemory<byte> Answer(in ControlRequest request)
    {
        var reader = new SpanReader(request.Payload.Span);
        var asker = reader.ReadText();
        if (!reader.IsWhole) throw new ControlRefusedException("a question that cannot be read");
        var buffer = new ByteBuffer(512);
        var writer = new SpanWriter(buffer);
        lock (gate)
        {
            var answer = bootstrap.OnAsked(request.Caller, asker);
            var genesis = settled ?? answer.Genesis;
            writer.WriteFlag(genesis is not null);
            genesis?.Encode(writer);
            DirectoryCodec.Write(writer, answer.Member);
        }

        return buffer.Written.ToArray();
    }

    private static bool TryDecode(ReadOnlySpan<byte> bytes, out BootstrapAnswer answer)
    {
        answer = null!;
        var reader = new SpanReader(bytes);
        Genesis? genesis = null;
        if (reader.ReadFlag())
        {
            if (!Genesis.TryDecode(ref reader, out var shown)) return false;
            genesis = shown;
        }

        var record = DirectoryCodec.ReadMember(ref reader);
        answer = new BootstrapAnswer(record.Node, record.Name, genesis, record);
        return reader.IsWhole;
    }
}
