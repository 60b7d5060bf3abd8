namespace Holdfast.Coordination;

/// <summary>How much room there is on the disk of a member, or on those of the members that a majority needs.</summary>
public enum DiskRoom : byte
{
    /// <summary>Less than the reserve (<see cref="DiskReserve"/>): puts must stop while deletions, compactions and leases can still be written.</summary>
    Short = 0,

    /// <summary>Neither: what is refused stays refused, what is taken stays taken.</summary>
    Scant = 1,

    /// <summary>Enough that an alarm may be cleared.</summary>
    Ample = 2,
}

/// <summary>What is kept free on a data disk, so that a node which takes no more puts can still write what makes room.</summary>
/// <param name="Bytes">Below it the disk is short.</param>
/// <param name="ClearedAtBytes">From here on there is room again; larger, so that an alarm does not come and go with every file.</param>
public readonly record struct DiskReserve(long Bytes, long ClearedAtBytes)
{
    /// <summary>The log's next segments: what deletions, compactions and renewals write until a snapshot has let old ones go.</summary>
    private const int Segments = 3;

    /// <summary>Three segments of the log and one snapshot, which lies beside the one that it replaces; one segment more clears the alarm.</summary>
    public static DiskReserve For(long segmentBytes, long snapshotBytes)
    {
        var bytes = (Segments * segmentBytes) + snapshotBytes;
        return new DiskReserve(bytes, bytes + segmentBytes);
    }

    /// <summary>What so many free bytes are.</summary>
    public DiskRoom Judge(long freeBytes) => freeBytes < Bytes ? DiskRoom.Short : freeBytes < ClearedAtBytes ? DiskRoom.Scant : DiskRoom.Ample;
}

/// <summary>
/// Whether a majority could go on by itself if puts were taken. One short disk does not stop a cluster: that node may come to its end, and the others go on. Puts stop while there are
/// still as many nodes alive as deletions need: when those with room are fewer than a majority (decision 0036).
/// </summary>
public static class MajorityRoom
{
    /// <summary>Judges by what each voter said; null from one that did not answer, on which nobody may rely.</summary>
    public static DiskRoom Judge(ReadOnlySpan<DiskRoom?> voters)
    {
        var (ample, notShort, shortOnes) = (0, 0, 0);
        foreach (var voter in voters)
        {
            if (voter is DiskRoom.Ample) ample++;
            if (voter is DiskRoom.Ample or DiskRoom.Scant) notShort++;
            if (voter is DiskRoom.Short) shortOnes++;
        }

        var majority = (voters.Length / 2) + 1;
        if (ample >= majority) return DiskRoom.Ample;
        return notShort >= majority || shortOnes == 0 ? DiskRoom.Scant : DiskRoom.Short;
    }
}
