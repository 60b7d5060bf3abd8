using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>What is wrong at a place in the log.</summary>
internal enum WalDamage : byte
{
    /// <summary>The record's header is whole, so its group is known; its body is not.</summary>
    Body,

    /// <summary>No header can be read: what was lost, and whose it was, is not known.</summary>
    Unknown,
}

/// <summary>What a damaged place in the log is taken for.</summary>
internal enum WalVerdict : byte
{
    /// <summary>Nothing is lost: the place restates what stands elsewhere.</summary>
    Healed,

    /// <summary>A write that never completed, so never acknowledged: cut off.</summary>
    Torn,

    /// <summary>May have been acknowledged: counts against its group.</summary>
    HarmsGroup,

    /// <summary>May have been acknowledged, as an entry or as a vote: counts against every group in the segment.</summary>
    HarmsSegment,

    /// <summary>Even which groups there were is lost.</summary>
    HarmsIdentity,
}

/// <summary>What recovery knows about a damaged place.</summary>
/// <param name="Damage">What is wrong.</param>
/// <param name="IsLastCommit">Nothing shows that a later commit was ever begun.</param>
/// <param name="HasBatchHeader">The ring says that the commit was written.</param>
/// <param name="IsRestatement">The commit is one of the two with which a segment begins: marks and copies of what older segments hold.</param>
/// <param name="HasOtherCopy">Restatements only: the two copies together are whole.</param>
/// <param name="IsStatedAgain">The next segment began by stating again what could be read of this commit, because nothing proved its fsync (S7).</param>
internal readonly record struct WalSymptom(WalDamage Damage, bool IsLastCommit, bool HasBatchHeader, bool IsRestatement, bool HasOtherCopy, bool IsStatedAgain);

/// <summary>
/// Recovery's decisions, as a table (S8). A null in a column means that it does not matter. The first row that fits decides; together the rows fit everything.
/// </summary>
internal static class RecoveryTable
{
    public static readonly Row[] Rows =
    [
        //  name                                          damage              last   header  restates  copy   again  verdict
        new("commit that the next segment states again",  null,               null,  null,   null,     null,  true,  WalVerdict.Healed),
        new("restatement whose other copy is whole",      null,               null,  null,   true,     true,  null,  WalVerdict.Healed),
        new("restatement rotten in both copies",          null,               null,  null,   true,     false, null,  WalVerdict.HarmsIdentity),
        new("rot in a record of a known group",           WalDamage.Body,     false, null,   false,    null,  null,  WalVerdict.HarmsGroup),
        new("rot in a record of an unknown group",        WalDamage.Unknown,  false, null,   false,    null,  null,  WalVerdict.HarmsSegment),
        new("maybe acknowledged, known group",            WalDamage.Body,     true,  true,   false,    null,  null,  WalVerdict.HarmsGroup),
        new("maybe acknowledged, unknown group",          WalDamage.Unknown,  true,  true,   false,    null,  null,  WalVerdict.HarmsSegment),
        new("torn tail",                                  null,               true,  false,  false,    null,  null,  WalVerdict.Torn),
    ];

    public static Row Judge(in WalSymptom symptom)
    {
        foreach (var row in Rows)
            if (row.Fits(symptom)) return row;
        Invariant.Broken("the recovery table has no row for a symptom");
        return default;
    }

    internal readonly record struct Row(string Name, WalDamage? Damage, bool? IsLastCommit, bool? HasBatchHeader, bool? IsRestatement, bool? HasOtherCopy, bool? IsStatedAgain, WalVerdict Verdict)
    {
        public bool Fits(in WalSymptom symptom) =>
            (Damage is null || Damage == symptom.Damage)
            && (IsLastCommit is null || IsLastCommit == symptom.IsLastCommit)
            && (HasBatchHeader is null || HasBatchHeader == symptom.HasBatchHeader)
            && (IsRestatement is null || IsRestatement == symptom.IsRestatement)
            && (HasOtherCopy is null || HasOtherCopy == symptom.HasOtherCopy)
            && (IsStatedAgain is null || IsStatedAgain == symptom.IsStatedAgain);
    }
}
