using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests;

public sealed class KeyRecordTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_record_agrees_with_a_list_of_its_versions(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var record = new KeyRecord([1]);
        var model = new List<KeyVersion>();
        var revision = 1L;
        for (var step = 0; step < 3000; step++)
        {
            if (dice.Chance(0.97))
            {
                revision += dice.Next(3) + 1;
                var version = dice.Chance(0.2) ? KeyVersion.Tombstone(revision, 0) : new KeyVersion(revision, 0, 1, step, 0, [(byte)step]);
                record.Append(version);
                model.Add(version);
            }
            else
            {
                // A sweep forgets in pieces of any size.
                var unseen = record.Unseen(dice.Next((int)revision) + 1);
                var going = dice.Next(unseen + 1);
                record.Forget(going);
                model.RemoveRange(0, going);
            }

            Assert.Equal(model.Count, record.Count);
            if (model.Count == 0) continue;
            var asked = dice.Next((int)revision + 2);
            Assert.Equal(model.FindLastIndex(version => version.Mod <= asked), record.PlaceAt(asked));
            var place = dice.Next(model.Count);
            Assert.Equal(model[place], record[place]);
            Assert.Equal(model[^1], record.Latest);
        }
    }

    [Fact]
    public void A_sweep_of_a_key_that_was_written_often_stops_and_goes_on_with_it()
    {
        var store = new MvccStore();
        for (var write = 0; write < 1000; write++) Put(store, [7], write);
        Put(store, [8], 0);
        store.Compact(store.Revision);
        var slices = 0;
        for (; !store.Sweep(keysMax: 16); slices++)
        {
            // Whatever has gone already, what can be read is whole.
            Assert.True(store.Keys.Find([7])!.IsLive);
            Assert.Equal(store.Versions, store.Keys.Find([7])!.Count + store.Keys.Find([8])!.Count);
        }

        Assert.True(slices > 10, $"a thousand versions went in {slices + 1} slices");
        Assert.Equal((2L, 2L + 8), (store.Versions, store.Bytes));
    }

    private static void Put(MvccStore store, byte[] key, int value)
    {
        store.BeginWrite();
        store.Put(key, [(byte)value, 0, 0, 0], 0);
        store.EndWrite();
    }
}
