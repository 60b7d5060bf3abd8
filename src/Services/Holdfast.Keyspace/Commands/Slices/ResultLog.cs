namespace Holdfast.Keyspace;

/// <summary>
/// Logs the collection that a command has stored as what it is, in pieces, and not as the command: replicas then need not do again, in one go, what took the leader many slices, and whose sources may be different by then.
/// </summary>
internal ref struct ResultLog
{
    /// <summary>Elements of a piece; so few may be made again by each replica, too.</summary>
    private const int PieceElements = 512;

    /// <summary>Bytes that are logged as what they are: what an entry takes, with room for the rest.</summary>
    private const long BytesMax = 12L * 1024 * 1024;

    private readonly CommandCall call;
    private readonly ReadOnlySpan<byte> key;
    private readonly ReadOnlySpan<byte> verb;
    private readonly int argumentsEach;
    private long left;
    private int leftOfPiece;
    private EffectsWriter? log;

    /// <param name="call">The command, after it has changed the key.</param>
    /// <param name="key">The key.</param>
    /// <param name="verb">What adds elements to it.</param>
    /// <param name="elements">How many will come.</param>
    /// <param name="argumentsEach">Arguments that an element is.</param>
    public ResultLog(CommandCall call, ReadOnlySpan<byte> key, ReadOnlySpan<byte> verb, long elements, int argumentsEach = 1)
    {
        this.call = call;
        this.key = key;
        this.verb = verb;
        this.argumentsEach = argumentsEach;
        left = elements;
        var del = call.LogInstead(2);
        del.Argument("DEL"u8);
        del.Argument(key);
    }

    /// <summary>Whether a result is to be logged so: one that is neither small, nor more than an entry takes.</summary>
    public static bool IsWorthIt(long elements, long bytes) => elements > PieceElements && bytes <= BytesMax;

    /// <summary>Where the next element's arguments are to be written.</summary>
    public EffectsWriter Next()
    {
        if (leftOfPiece == 0)
        {
            leftOfPiece = (int)Math.Min(PieceElements, left);
            log = call.LogInstead(2 + (leftOfPiece * argumentsEach));
            log.Argument(verb);
            log.Argument(key);
        }

        leftOfPiece--;
        left--;
        return log!;
    }
}
