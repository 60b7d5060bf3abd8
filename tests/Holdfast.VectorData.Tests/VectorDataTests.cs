using Holdfast.Vectors.Tests.Endpoints;
using Microsoft.Extensions.AI;
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
    public async Task Both_kinds_of_search_take_the_same_options()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = Store(door);
        using var notes = store.GetCollection<ulong, Note>("notes");
        await notes.EnsureCollectionExistsAsync(Cancel);
        // Those that count are far behind a hundred that do not.
        await notes.UpsertAsync(Enumerable.Range(0, 120).Select(at => new Note { Id = (ulong)at, Text = at < 110 ? "harbour harbour" : "a harbour far away from here", Kind = at < 110 ? 0 : 1, Vector = new float[] { at, 0 } }), Cancel);
        var near = await notes.SearchAsync(new float[] { 0, 0 }, 4, new VectorSearchOptions<Note> { Filter = note => note.Kind == 1, Skip = 2, IncludeVectors = true, ScoreThreshold = 114 }, Cancel).ToListAsync(Cancel);
        Assert.Equal([(112UL, 112f), (113UL, 113f), (114UL, 114f)], near.Select(each => (each.Record.Id, each.Record.Vector.Span[0])));
        var both = await ((IKeywordHybridSearchable<Note>)notes).HybridSearchAsync(new float[] { 0, 0 }, ["harbour"], 4, new HybridSearchOptions<Note> { Filter = note => note.Kind == 1, Skip = 2, IncludeVectors = true }, Cancel).ToListAsync(Cancel);
        Assert.Equal(4, both.Count);
        Assert.All(both, each => Assert.InRange(each.Record.Vector.Span[0], 110, 119));
    }

    [Fact]
    public async Task Expressions_of_all_kinds_are_filters()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = Store(door);
        using var hotels = store.GetCollection<ulong, Hotel>("hotels");
        await hotels.EnsureCollectionExistsAsync(Cancel);
        var day = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await hotels.UpsertAsync(Enumerable.Range(1, 9).Select(id => new Hotel { Id = (ulong)id, City = id < 5 ? "Berlin" : "Paris", Stars = id, Price = id / 2.0, Tags = [$"t{id % 3}", "all"], Opened = day.AddDays(id), Closed = id == 3 ? day : null, Vector = new float[] { id, 0 } }), Cancel);
        string[] wanted = ["t0", "t1"];
        ulong[] keys = [2, 4, 99];
        var seventh = day.AddDays(7);
        await IsAsync(hotel => hotel.Tags.Any(tag => wanted.Contains(tag)) && hotel.Stars < 5, 1, 3, 4);
        await IsAsync(hotel => hotel.Tags.Contains("t2"), 2, 5, 8);
        await IsAsync(hotel => hotel.Opened > seventh, 8, 9);
        await IsAsync(hotel => hotel.Opened == seventh, 7);
        await IsAsync(hotel => hotel.Price == 1.5 || 4 <= hotel.Price, 3, 8, 9);
        await IsAsync(hotel => hotel.Closed != null, 3);
        await IsAsync(hotel => hotel.Closed == null && hotel.Stars <= 4, 1, 2, 4);
        await IsAsync(hotel => hotel.Id == 5, 5);
        await IsAsync(hotel => hotel.Id != 5 && hotel.City != "Berlin", 6, 7, 8, 9);
        await IsAsync(hotel => keys.Contains(hotel.Id), 2, 4);
        await IsAsync(hotel => false);
        await Assert.ThrowsAsync<NotSupportedException>(() => IsAsync(hotel => hotel.Id > 5));
        await Assert.ThrowsAsync<NotSupportedException>(() => IsAsync(hotel => hotel.City.StartsWith("B")));
        await Assert.ThrowsAsync<NotSupportedException>(() => IsAsync(hotel => hotel.Opened > day.AddDays(7))); // Compiling expressions is not for programs made ahead of time.
        var ordered = await hotels.GetAsync(hotel => hotel.Stars > 2, 3, new FilteredRecordRetrievalOptions<Hotel> { OrderBy = order => order.Ascending(hotel => hotel.Id), Skip = 1 }, Cancel).ToListAsync(Cancel);
        Assert.Equal([4UL, 5, 6], ordered.Select(hotel => hotel.Id));

        async Task IsAsync(System.Linq.Expressions.Expression<Func<Hotel, bool>> filter, params ulong[] ids) =>
            Assert.Equal(ids, (await hotels.GetAsync(filter, 100, null, Cancel).ToListAsync(Cancel)).Select(hotel => hotel.Id).Order());
    }

    [Fact]
    public async Task Many_records_are_read_and_deleted_by_their_keys()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = Store(door);
        using var hotels = store.GetCollection<ulong, Hotel>("hotels");
        await hotels.EnsureCollectionExistsAsync(Cancel);
        await hotels.UpsertAsync(Enumerable.Range(1, 700).Select(id => new Hotel { Id = (ulong)id, City = "Berlin", Visits = [new DateTimeOffset(2020, 1, 1, 0, 0, id % 60, TimeSpan.Zero)], Vector = new float[] { id, 0 } }), Cancel);
        var keys = Enumerable.Range(1, 800).Select(static id => (ulong)id).ToArray();
        var all = await hotels.GetAsync(keys, new RecordRetrievalOptions { IncludeVectors = true }, Cancel).ToListAsync(Cancel);
        Assert.Equal(Enumerable.Range(1, 700).Select(static id => ((ulong)id, (float)id, id % 60)), all.OrderBy(hotel => hotel.Id).Select(hotel => (hotel.Id, hotel.Vector.Span[0], hotel.Visits[0].Second)));
        await hotels.DeleteAsync(keys.Skip(1), Cancel);
        Assert.Equal(1UL, (await hotels.GetAsync(keys, null, Cancel).ToListAsync(Cancel)).Single().Id);
        Assert.Empty(await hotels.GetAsync(Array.Empty<ulong>(), null, Cancel).ToListAsync(Cancel));
        await hotels.UpsertAsync(Array.Empty<Hotel>(), Cancel);
    }

    [Fact]
    public async Task Text_is_embedded_and_keys_are_made()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = new HoldfastVectorStore(new HoldfastVectorStoreOptions { Endpoint = door.Client.BaseAddress!, EmbeddingGenerator = new LengthEmbedder() });
        using var texts = store.GetCollection<Guid, Embedded>("texts");
        await texts.EnsureCollectionExistsAsync(Cancel);
        Embedded[] records = [new() { Text = "four" }, new() { Text = "sixteen letters!" }];
        await texts.UpsertAsync(records, Cancel);
        Assert.All(records, record => Assert.NotEqual(Guid.Empty, record.Id));
        Assert.Equal("four", (await texts.SearchAsync("five!", 1, null, Cancel).SingleAsync(Cancel)).Record.Kept);
        await Assert.ThrowsAsync<NotSupportedException>(async () => await texts.SearchAsync("five!", 1, new VectorSearchOptions<Embedded> { IncludeVectors = true }, Cancel).ToListAsync(Cancel));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await texts.GetAsync(records[0].Id, new RecordRetrievalOptions { IncludeVectors = true }, Cancel));
        Assert.Throws<NotSupportedException>(() => store.GetCollection<ulong, HalfKnown>("half"));
    }

    [Fact]
    public async Task A_collection_that_is_made_by_two_at_once_is_made_once()
    {
        await using var door = await OpenDoor.StartAsync();
        using var store = Store(door);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var hotels = store.GetCollection<ulong, Hotel>("hotels");
            await hotels.EnsureCollectionExistsAsync(Cancel);
            Assert.True(await hotels.CollectionExistsAsync(Cancel));
        }));
        await store.EnsureCollectionDeletedAsync("hotels", Cancel);
        await store.EnsureCollectionDeletedAsync("hotels", Cancel);
        using var flat = store.GetCollection<ulong, Hotel>("flat", new VectorStoreCollectionDefinition { Properties = [new VectorStoreKeyProperty("Id", typeof(ulong)), new VectorStoreVectorProperty("Vector", typeof(ReadOnlyMemory<float>), 2) { IndexKind = IndexKind.Flat }] });
        Assert.Contains("Flat", (await Assert.ThrowsAsync<NotSupportedException>(() => flat.EnsureCollectionExistsAsync(Cancel))).Message, StringComparison.Ordinal);
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

        [VectorStoreData]
        public DateTimeOffset? Closed { get; set; }

        [VectorStoreData]
        public List<DateTimeOffset> Visits { get; set; } = [];

        [VectorStoreVector(2, DistanceFunction = DistanceFunction.EuclideanDistance)]
        public ReadOnlyMemory<float> Vector { get; set; }
    }

    private sealed class Embedded
    {
        [VectorStoreKey(IsAutoGenerated = true)]
        public Guid Id { get; set; }

        [VectorStoreData]
        public string Kept { get; set; } = "";

        [VectorStoreVector(2, DistanceFunction = DistanceFunction.EuclideanDistance)]
        public string Text { get => Kept; set => Kept = value; }
    }

    private sealed class HalfKnown
    {
        [VectorStoreKey]
        public ulong Id { get; set; }

        [VectorStoreData]
        public List<int?> Numbers { get; set; } = [];
    }

    private sealed class LengthEmbedder : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(static text => new Embedding<float>(new float[] { text.Length, 1 }))));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
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
