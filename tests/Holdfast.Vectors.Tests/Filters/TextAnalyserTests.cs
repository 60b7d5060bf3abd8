using Holdfast.Vectors.Texts;

namespace Holdfast.Vectors.Tests.Filters;

/// <summary>Words as the declarations of full-text indexes ask for them, and text as vectors.</summary>
public sealed class TextAnalyserTests
{
    [Theory]
    [InlineData("\"text\"", "Red wine, 2 glasses!", "red|wine|2|glasses")]
    [InlineData("""{"type":"text","tokenizer":"word","lowercase":false}""", "Red wine", "Red|wine")]
    [InlineData("""{"type":"text","tokenizer":"whitespace"}""", "C++ and C#", "c++|and|c#")]
    [InlineData("""{"type":"text","tokenizer":"prefix","min_token_len":2,"max_token_len":4}""", "Hello I", "he|hel|hell")]
    [InlineData("""{"type":"text","tokenizer":"word","min_token_len":3,"max_token_len":5}""", "to see whales swim", "see|swim")]
    [InlineData("""{"type":"text","tokenizer":"multilingual"}""", "東京に住む Größe", "東京|京に|に住|住む|größe")]
    [InlineData("""{"type":"text","stopwords":"english"}""", "the cat and the hat", "cat|hat")]
    [InlineData("""{"type":"text","stopwords":{"languages":["german"],"custom":["Katze"]}}""", "die Katze und der Hund", "hund")]
    [InlineData("""{"type":"text","stemmer":{"type":"snowball","language":"english"}}""", "connections were connected", "connect|were|connect")]
    [InlineData("""{"type":"text","ascii_folding":true}""", "Größe dögs Þór Łódź 東京", "grosse|dogs|thor|lodz|東京")]
    public void Text_is_cut_as_declared(string schema, string text, string words) => Assert.Equal(words.Split('|'), TextAnalyser.Read(schema)!.Words(text));

    [Fact]
    public void A_question_of_a_prefix_index_asks_for_the_whole_word()
    {
        var analyser = TextAnalyser.Read("""{"type":"text","tokenizer":"prefix","min_token_len":1,"max_token_len":5}""")!;
        Assert.Equal(["hel"], analyser.Asked("hel"));
        Assert.Equal(["longw"], analyser.Asked("longwords"));
        Assert.Contains("hel", analyser.Words("hello"));
    }

    [Theory]
    [InlineData("""{"type":"text","tokenizer":"nonsense"}""")]
    [InlineData("""{"type":"text","stopwords":"klingon"}""")]
    [InlineData("""{"type":"text","stemmer":{"type":"snowball","language":"klingon"}}""")]
    [InlineData("""{"type":"text","min_token_len":0}""")]
    public void What_is_not_known_is_refused(string schema) => Assert.Throws<VectorFault>(() => TextAnalyser.Read(schema));

    [Theory]
    [InlineData("caresses", "caress")]
    [InlineData("ponies", "poni")]
    [InlineData("cats", "cat")]
    [InlineData("agreed", "agre")]
    [InlineData("hopping", "hop")]
    [InlineData("hoping", "hope")]
    [InlineData("happy", "happi")]
    [InlineData("relational", "relat")]
    [InlineData("generalization", "general")]
    [InlineData("electrical", "electr")]
    [InlineData("replacement", "replac")]
    [InlineData("adoption", "adopt")]
    [InlineData("controlling", "control")]
    [InlineData("hopefulness", "hope")]
    public void English_words_lose_their_endings(string word, string stem) => Assert.Equal(stem, WordStems.Of("english", word));

    [Theory]
    [InlineData("danish", "husene", "hus")]
    [InlineData("dutch", "lichamelijke", "licham")]
    [InlineData("finnish", "taloissammekin", "talo")]
    [InlineData("french", "continuellement", "continuel")]
    [InlineData("german", "häusern", "haus")]
    [InlineData("italian", "abbandonata", "abbandon")]
    [InlineData("portuguese", "boiando", "boi")]
    [InlineData("russian", "красивыми", "красив")]
    [InlineData("spanish", "chicharrones", "chicharron")]
    [InlineData("swedish", "jaktkarlarne", "jaktkarl")]
    [InlineData("turkish", "evlerimizden", "ev")]
    public void So_do_those_of_other_languages(string language, string word, string stem)
    {
        Assert.Equal(stem, WordStems.Of(language, word));
        var analyser = TextAnalyser.Read($$$"""{"type":"text","stemmer":{"type":"snowball","language":"{{{language}}}"}}""")!;
        Assert.Equal([stem], analyser.Words(word));
        Assert.Equal([stem], Bm25.For(language).Words(word));
    }

    [Fact]
    public async Task Threads_that_stem_at_once_do_not_disturb_each_other()
    {
        string[] words = ["connections", "hopefulness", "relational", "replacement"];
        string[] stems = ["connect", "hope", "relat", "replac"];
        var found = await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() => Enumerable.Range(0, 20_000).All(turn => WordStems.Of("english", words[(turn + worker) % 4]) == stems[(turn + worker) % 4]))));
        Assert.All(found, Assert.True);
    }

    [Fact]
    public void A_words_place_is_the_one_that_other_clients_compute()
    {
        // Murmur hash version 3 of "hello" with seed 0 is 0x248bfa47; of the empty text 0.
        Assert.Equal(0x248bfa47u, Bm25.PlaceOf("hello"));
        Assert.Equal(0u, Bm25.PlaceOf(""));
    }

    [Fact]
    public void A_documents_components_are_saturated_frequencies()
    {
        var bm25 = new Bm25 { Analyser = Bm25.For("none"), LengthUsual = 4 };
        var document = bm25.Document("s", "wine wine cellar red");
        var query = bm25.Query("s", "wine and wine");
        Assert.Equal([.. document.Indices!.Order()], document.Indices!);
        Assert.Equal(2 * 2.2 / (2 + 1.2), document.Values[Array.IndexOf(document.Indices!, Bm25.PlaceOf("wine"))], 1e-5);
        Assert.Equal(1.0, document.Values[Array.IndexOf(document.Indices!, Bm25.PlaceOf("red"))], 1e-5);
        Assert.Equal(2, query.Indices!.Length);
        Assert.All(query.Values, value => Assert.Equal(1f, value));
    }
}
