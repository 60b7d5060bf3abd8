namespace Holdfast.Keyspace;

/// <summary>Is told of every change of a key before it is made: what undoes it (S20), and what a snapshot that is being walked must still see (S10).</summary>
internal unsafe interface IBeforeChange
{
    /// <summary>
    /// The key's record is about to be replaced, changed or removed (null: the key is about to be made). True takes the record over: the keyspace then forgets it and does not free it.
    /// </summary>
    /// <param name="place">The key.</param>
    /// <param name="isReplaced">True: nobody will look at the old record any more, so it can be taken over. False: it is about to be changed in place.</param>
    bool BeforeChange(in KeyPlace place, bool isReplaced);

    /// <summary>A short string is about to be written over by another of the same length. False: there is no room to remember it so, nothing was done, and its record is to be replaced.</summary>
    bool BeforeOverwrite(in KeyPlace place);

    /// <summary>A big value is about to change some of its elements, and will say each by <see cref="OnElement"/>.</summary>
    void BeforeElements(in KeyPlace place);

    /// <summary>Elements of a big value that have this hash are about to be added, changed or removed.</summary>
    void BeforeElement(TableValue value, uint hash);

    /// <summary>An element of a big value was changed. True takes over what it replaced: it must not be freed until <see cref="BigValue.Forget"/>.</summary>
    bool OnElement(in ElementImage image);

    /// <summary>A big value goes from one key to another, which names it already: the first key is about to be removed, and the value stays.</summary>
    void BeforeMove(in KeyPlace source, in KeyPlace target);
}

/// <summary>What became of an element of a big value. What the numbers mean is the value's own affair.</summary>
/// <param name="Owner">The value.</param>
/// <param name="Change">What happened, in the value's own terms.</param>
/// <param name="Now">The element as it is now, or another number.</param>
/// <param name="Before">The element as it was, or another number.</param>
internal readonly record struct ElementImage(BigValue Owner, byte Change, nint Now, nint Before);
