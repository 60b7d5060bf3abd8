using Holdfast.Vectors.Tests.Endpoints;
using Microsoft.Extensions.VectorData;

namespace Holdfast.VectorData.Tests;

/// <summary>The provider for Microsoft.Extensions.VectorData over the REST door.</summary>
public sealed class VectorDataTests
{
    [Fact]
    public async Task Records_are_stored_found_read_and_deleted()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = Store(door);
        using var hotels = store.GetCollection<ulong, Hotel>("hotels");
        Assert.False(await hotels.CollectionExistsAsync(Cancel));
        await hotels.EnsureCollectionExistsAsync(Cancel);
        await hotels.EnsureCollectionExistsAsync(Cancel);
        Assert.Equal(["hotels"], await store.ListCollectionNamesAsync(Cancel).ToListAsync(Cancel));
        var opened = new DateTimeOffset(2020, 1, 2, 3, 4, 5, TimeSpan.Zero);
        await hotels.UpsertAsync(Enumerable.Range(1, 20).Select(id => new Hotel { Id = (ulong)id, City = id % 2 == 0 ? "Berlin" : "Paris", Stars = id % 5, Price = id * 10.5, Tags = [$"t{id % 3}"], Opened = opened, Vector = new float[] { id, 0 } }), Cancel);
        var found = await hotels.SearchAsync(new ReadOnlyMemory<float>([10, 0]), 3, new VectorSearchOptions<Hotel> { Filter = hotel => hotel.City == "Berlin" && hotel.Stars >= 1, IncludeVectors = true }, Cancel).ToListAsync(Cancel);
        Assert.Equal([8UL, 12, 6], found.Select(each => each.Record.Id));
        Assert.Equal(2, found[0].Score);
        Assert.Equal([8f, 0f], found[0].Record.Vector.ToArray());
        var one = await hotels.GetAsync(7, null, Cancel);
        Assert.Equal(("Paris", 2, 73.5, "t1", opened), (one!.City, one.Stars, one.Price, one.Tags.Single(), one.Opened));
        Assert.True(one.Vector.IsEmpty);
        Assert.Null(await hotels.GetAsync(99, null, Cancel));
        string[] cities = ["Rome", "Paris"];
        var listed = await hotels.GetAsync(hotel => cities.Contains(hotel.City) && !(hotel.Price < 100) && hotel.Tags.Contains("t2"), 10, new FilteredRecordRetrievalOptions<Hotel> { OrderBy = order => order.Descending(hotel => hotel.Stars) }, Cancel).ToListAsync(Cancel);
        Assert.Equal([17UL, 11], listed.OrderByDescending(hotel => hotel.Id).Select(hotel => hotel.Id));
        await hotels.DeleteAsync([1UL, 2UL], Cancel);
        Assert.Null(await hotels.GetAsync(2, null, Cancel));
        await hotels.EnsureCollectionDeletedAsync(Cancel);
        Assert.False(await store.CollectionExistsAsync("hotels", Cancel));
    }

    [Fact]
    public async Task Records_without_a_type_of_their_own_are_dictionaries()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = Store(door);
        using var things = store.GetDynamicCollection("things", new VectorStoreCollectionDefinition
        {
            Properties = [new VectorStoreKeyProperty("id", typeof(Guid)), new VectorStoreDataProperty("name", typeof(string)) { IsIndexed = true }, new VectorStoreVectorProperty("v", typeof(ReadOnlyMemory<float>), 2) { DistanceFunction = DistanceFunction.DotProductSimilarity }],
        });
        await things.EnsureCollectionExistsAsync(Cancel);
        var id = Guid.Parse("5c56c793-69f3-4fbf-87e6-c4bf54c28c26");
        await things.UpsertAsync(new Dictionary<string, object?> { ["id"] = id, ["name"] = "x", ["v"] = new ReadOnlyMemory<float>([1, 2]) }, Cancel);
        var found = await things.SearchAsync(new float[] { 1, 1 }, 1, new VectorSearchOptions<Dictionary<string, object?>> { Filter = thing => (string)thing["name"]! == "x" }, Cancel).SingleAsync(Cancel);
        Assert.Equal((id, "x", 3.0), ((Guid)found.Record["id"]!, (string)found.Record["name"]!, found.Score));
    }

    [Fact]
    public async Task A_hybrid_search_finds_what_is_near_and_what_has_the_words()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = Store(door);
        using var notes = store.GetCollection<ulong, Note>("notes");
        await notes.EnsureCollectionExistsAsync(Cancel);
        await notes.EnsureCollectionExistsAsync(Cancel);
        string[] texts = ["the red fox jumps", "a quiet harbour at night", "tariffs on steel rise", "the harbour master sleeps", "a fox in the harbour"];
        await notes.UpsertAsync(texts.Select((text, at) => new Note { Id = (ulong)at, Text = text, Kind = at % 2, Vector = new float[] { at, 1 } }), Cancel);
        var hybrid = (IKeywordHybridSearchable<Note>)notes;
        var found = await hybrid.HybridSearchAsync(new ReadOnlyMemory<float>([0, 1]), ["harbour", "fox"], 3, null, Cancel).ToListAsync(Cancel);
        Assert.Contains(4UL, found.Select(each => each.Record.Id)); // Both words, although it is farthest.
        Assert.Contains(0UL, found.Select(each => each.Record.Id)); // Nearest, and one of the words.
        Assert.True(found[0].Score > found[^1].Score);
        found = await hybrid.HybridSearchAsync(new float[] { 0, 1 }, ["harbour"], 10, new HybridSearchOptions<Note> { Filter = note => note.Kind == 1, Skip = 1, IncludeVectors = true }, Cancel).ToListAsync(Cancel);
        Assert.Contains(Assert.Single(found).Record.Id, new ulong[] { 1, 3 });
        Assert.Equal(2, found[0].Record.Vector.Length);
    }

    [Fact]
    public async Task What_the_server_refuses_is_said_in_its_words()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = Store(door);
        using var hotels = store.GetCollection<ulong, Hotel>("hotels");
        var fault = await Assert.ThrowsAsync<VectorStoreException>(() => hotels.UpsertAsync(new Hotel { Id = 1, Vector = new float[] { 1, 2 } }, Cancel));
        Assert.Contains("Collection `hotels` doesn't exist!", fault.Message, StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => store.GetCollection<string, Keyed>("keyed"));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static HoldfastVectorStore Store(OpenDoor door) => new(new HoldfastVectorStoreOptions { Endpoint = door.Client.BaseAddress! });

    private sealed class Hotel
    {
        [VectorStoreKey]
        public ulong Id { get; set; }

        [VectorStoreData(IsIndexed = true)]
        public string City { get; set; } = "";

        [VectorStoreData(IsIndexed = true)]
        public int Stars { get; set; }

        [VectorStoreData]
        public double Price { get; set; }

        [VectorStoreData]
        public List<string> Tags { get; set; } = [];

        [VectorStoreData]
        public DateTimeOffset Opened { get; set; }

        [VectorStoreVector(2, DistanceFunction = DistanceFunction.EuclideanDistance)]
        public ReadOnlyMemory<float> Vector { get; set; }
    }

    private sealed class Note
    {
        [VectorStoreKey]
        public ulong Id { get; set; }

        [VectorStoreData(IsFullTextIndexed = true)]
        public string Text { get; set; } = "";

        [VectorStoreData(IsIndexed = true)]
        public int Kind { get; set; }

        [VectorStoreVector(2, DistanceFunction = DistanceFunction.EuclideanDistance)]
        public ReadOnlyMemory<float> Vector { get; set; }
    }

    private sealed class Keyed
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";
    }
}
