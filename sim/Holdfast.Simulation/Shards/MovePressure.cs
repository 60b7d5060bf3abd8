namespace Holdfast.Simulation.Shards;

/// <summary>
/// A kind of trouble that a run of shards keeps coming back to, at the moments of a move that count (S21): what independent misfortunes bring about within the few milliseconds of a seal or an adoption is too rare. It
/// knows nothing of the mistake that it may bring to light.
/// </summary>
internal enum MovePressure : byte
{
    /// <summary>Only the swarm's independent misfortunes.</summary>
    None = 0,

    /// <summary>The word that sealed slots may be adopted is late, and its sender hands the source over meanwhile: another leader copies them anew just when it arrives.</summary>
    LateAdoption,

    /// <summary>A leader seals, and its own shard hears no more of it, while the target still does: the seal is lost.</summary>
    SealedAlone,

    /// <summary>An answer to a copying leader is lost; while it waits the source has another leader for a moment, which changes keys and whose words to the target are late.</summary>
    ThereAndBack,
}
