using Holdfast.Primitives;

namespace Holdfast.Vectors.Routing;

/// <summary>How fresh a read must be.</summary>
internal enum ReadLevel : byte
{
    /// <summary>Sees every write that was acknowledged before. The default.</summary>
    Strong = 0,

    /// <summary>A replica as it is; the reply says how far it is.</summary>
    Eventual = 1,

    /// <summary>Sees at least the writes that the client's token names.</summary>
    Session = 2,
}

/// <summary>What a read asks of one shard's replica.</summary>
/// <param name="Level">How fresh.</param>
/// <param name="AtLeast">Of a session: an entry that the replica must have applied.</param>
internal readonly record struct ReadDemand(ReadLevel Level, LogIndex AtLeast)
{
    /// <summary>Everything acknowledged.</summary>
    public static ReadDemand Strong => new(ReadLevel.Strong, default);

    /// <summary>As it is.</summary>
    public static ReadDemand Eventual => new(ReadLevel.Eventual, default);
}
