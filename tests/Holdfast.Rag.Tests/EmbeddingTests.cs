using Holdfast.Rag.Embedding;

namespace Holdfast.Rag.Tests;

public sealed class EmbeddingTests
{
    [Fact]
    public void Words_of_one_stem_are_near_and_others_are_not()
    {
        var embedder = new HashedEmbedder();
        var connect = embedder.VectorOf("connect to the server");
        Assert.True(Dot(connect, embedder.VectorOf("connections and servers")) > 0.25);
        Assert.True(Math.Abs(Dot(connect, embedder.VectorOf("bananas ripen quickly"))) < 0.2);
        Assert.Equal(1, Dot(connect, connect), 4);
    }

    /// <summary>Kept vectors are compared with those of later versions, so a text's vector may never change.</summary>
    [Fact]
    public void A_vector_is_the_same_for_ever()
    {
        var vector = new HashedEmbedder().VectorOf("Holdfast");
        var largest = Array.IndexOf(vector, vector.MaxBy(Math.Abs));
        Assert.Equal((Largest: 330, Value: 0.5373f), (Largest: largest, Value: MathF.Round(vector[largest], 4)));
    }

    [Fact]
    public void A_rare_word_weighs_more_in_a_question()
    {
        var statistics = new WordStatistics();
        for (var i = 0; i < 50; i++) statistics.Add($"the cluster has node {i}");
        statistics.Add("the quorum");
        Assert.True(statistics.WeightOf("quorum") > 3 * statistics.WeightOf("the"));
        var (quorum, plain) = (new HashedEmbedder().VectorOf("quorum"), new HashedEmbedder().VectorOf("the quorum"));
        Assert.True(Dot(new HashedEmbedder(statistics).VectorOf("the quorum"), quorum) > Dot(plain, quorum));
    }

    [Fact]
    public void Statistics_that_take_away_what_they_added_are_as_before_and_survive_being_kept()
    {
        var statistics = new WordStatistics();
        statistics.Add("one two");
        var before = statistics.Encode();
        statistics.Add("two three");
        statistics.Remove("two three");
        Assert.Equal(before, statistics.Encode());
        Assert.Equal(before, WordStatistics.Decode(before).Encode());
        Assert.Equal(0, WordStatistics.Decode([1, 2, 3]).Chunks);
    }

    [Fact]
    public void Sparse_words_saturate_and_their_indices_rise()
    {
        var (indices, values) = SparseWords.OfChunk("snapshot snapshots snapshot leases lease camelCase");
        Assert.Equal(indices.Order().Distinct(), indices);
        var (asked, _) = SparseWords.OfQuestion("snapshot");
        var weight = values[Array.IndexOf(indices, asked[0])];
        Assert.InRange(weight, values.Min() + 0.1f, 2.2f);
        Assert.Equal(4, indices.Length);
    }

    private static float Dot(float[] one, float[] other) => one.Zip(other).Sum(pair => pair.First * pair.Second);
}
