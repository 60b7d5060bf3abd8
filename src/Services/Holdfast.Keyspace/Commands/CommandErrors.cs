namespace Holdfast.Keyspace;

/// <summary>Redis's own error texts that several families say.</summary>
internal static class CommandErrors
{
    public static ReadOnlySpan<byte> WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value"u8;

    public static ReadOnlySpan<byte> Syntax => "ERR syntax error"u8;

    public static ReadOnlySpan<byte> NotAnInteger => "ERR value is not an integer or out of range"u8;

    public static ReadOnlySpan<byte> NotAFloat => "ERR value is not a valid float"u8;

    public static ReadOnlySpan<byte> OutOfRange => "ERR value is out of range"u8;

    public static ReadOnlySpan<byte> NotPositive => "ERR value is out of range, must be positive"u8;

    public static ReadOnlySpan<byte> NoSuchKey => "ERR no such key"u8;

    public static ReadOnlySpan<byte> IndexOutOfRange => "ERR index out of range"u8;

    public static ReadOnlySpan<byte> StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)"u8;

    public static ReadOnlySpan<byte> CrossSlot => "CROSSSLOT Keys in request don't hash to the same slot"u8;

    public static ReadOnlySpan<byte> ClusterDown => "CLUSTERDOWN Hash slot not served"u8;

    public static ReadOnlySpan<byte> StateDown => "CLUSTERDOWN The cluster is down"u8;

    public static ReadOnlySpan<byte> StateDownReads => "CLUSTERDOWN The cluster is down and only accepts read commands"u8;

    public static ReadOnlySpan<byte> Moving => "TRYAGAIN The slot is being handed over to another node"u8;

    public static ReadOnlySpan<byte> OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'."u8;
}
