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
}
