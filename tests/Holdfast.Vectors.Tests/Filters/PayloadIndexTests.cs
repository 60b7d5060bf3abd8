using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.Filters;

/// <summary>What payload indexes answer is what the payloads say, whatever was written, changed and deleted since they were made.</summary>
public sealed class PayloadIndexTests
{
    private static readonly string[] Words = ["red", "green", "blue", "Red wine", "green red", "dark blue sea"];

    private static readonly string[] Owners = ["936da01f-9abd-4d9d-80c7-02af85c822a8", "936DA01F-9ABD-4D9D-80C7-02AF85C822A8", "urn:uuid:936da01f-9abd-4d9d-80c7-02af85c822a8", "0f8fad5b-d9cb-469f-a165-70867728950e", "nobody"];

    private static readonly string[] Filters =
    [
        """{"must":[{"key":"colour","match":{"value":"red"}}]}""",
        """{"must":[{"key":"colour","match":{"any":["red","blue"]}},{"key":"n","range":{"gte":10,"lt":60}}]}""",
        """{"must_not":[{"key":"n","match":{"any":[1,2,3,4,5]}}]}""",
        """{"should":[{"key":"flag","match":{"value":true}},{"key":"tags","match":{"value":"t3"}}]}""",
        """{"must":[{"key":"when","range":{"gte":"2024-01-10T00:00:00Z","lte":"2024-02-10T12:00:00+01:00"}}]}""",
        """{"must":[{"key":"at","geo_radius":{"center":{"lon":10,"lat":50},"radius":500000}}]}""",
        """{"must":[{"key":"at","geo_bounding_box":{"top_left":{"lon":5,"lat":60},"bottom_right":{"lon":15,"lat":45}}}],"must_not":[{"has_id":[1,2,3,50,51]}]}""",
        """{"must":[{"key":"text","match":{"text":"red"}}]}""",
        """{"must":[{"key":"text","match":{"text":"blue dark"}}]}""",
        """{"must":[{"key":"text","match":{"text_any":"wine sea"}}],"must_not":[{"is_empty":{"key":"n"}}]}""",
        """{"must":[{"should":[{"key":"n","range":{"lt":5}},{"must":[{"key":"colour","match":{"value":"green"}},{"key":"flag","match":{"value":false}}]}]}]}""",
        """{"must":[{"key":"deep.inner[].x","match":{"value":2}}],"min_should":{"conditions":[{"key":"flag","match":{"value":true}},{"key":"n","range":{"gt":50}}],"min_count":1}}""",
        """{"must":[{"key":"colour","match":{"except":["red","green"]}}],"must_not":[{"key":"n","match":{"except":[1,2,3,4,5,6,7]}}]}""",
        """{"must":[{"is_empty":{"key":"colour"}}]}""",
        """{"should":[{"is_null":{"key":"flag"}},{"key":"n","range":{"lt":3}}]}""",
        """{"must":[{"key":"text","match":{"phrase":"dark blue"}}]}""",
        """{"must":[{"has_vector":""}],"must_not":[{"is_empty":{"key":"tags"}}]}""",
        """{"must":[{"key":"tags","values_count":{"gte":2}},{"key":"colour","match":{"except":["red"]}}]}""",
        """{"must":[{"key":"owner","match":{"value":"{936DA01F-9ABD-4D9D-80C7-02AF85C822A8}"}}]}""",
        """{"must":[{"key":"owner","match":{"except":["0F8FAD5BD9CB469FA16570867728950E"]}}],"should":[{"key":"owner","match":{"any":["nobody","936da01f9abd4d9d80c702af85c822a8"]}}]}""",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Indexes_agree_with_the_payloads_while_points_come_change_and_go(int seed)
    {
        var dice = new Random(seed);
        var config = CollectionConfig.Create(JsonDocument.Parse("""{"vectors":{"size":2,"distance":"Dot"}}""").RootElement, 1);
        var state = new ShardState(config, new PointStore(config.Columns, 1500), ImmutableSortedDictionary<string, string>.Empty.Add("text", "\"text\"").Add("owner", """{"type":"uuid","is_tenant":false}"""));
        var filters = Filters.Select(json => FilterParser.Parse(json)!).ToArray();
        var (answers, byIndexAlone) = (0, 0);
        for (var round = 1; round <= 12; round++)
        {
            for (var step = 0; step < 250; step++)
            {
                var id = PointId.Of((ulong)dice.Next(700));
                var index = new LogIndex((ulong)((round * 1000) + step));
                switch (dice.Next(6))
                {
                    case 0: state.Store.Delete(id, index); break;
                    case 1 or 2: state.Store.ChangePayload(id, old => PayloadEdit.Merge(old, Random(dice)), index); break;
                    default: state.Store.Upsert(new PointWrite(id, Random(dice), [new("", [1, 1])]), index); break;
                }
            }

            state.Store.Publish();
            foreach (var filter in filters)
                foreach (var segment in state.Store.Segments)
                {
                    var admitted = AdmittedRows.Of(filter, segment, state);
                    answers++;
                    if (admitted.Strategy == "payload index") byIndexAlone++;
                    for (var row = 0; row < segment.Visible; row++)
                    {
                        var expected = segment.IsLive(row) && AdmittedRows.Passes(filter.AsDeclared(state.Declared), segment, row, state);
                        Assert.True(expected == ((admitted.Bits[row >> 6] & (1UL << row)) != 0), $"{filter.Json} and row {row}: {System.Text.Encoding.UTF8.GetString(segment.PayloadOf(row).Json)}");
                    }
                }
        }

        Assert.True(byIndexAlone > answers / 2, $"only {byIndexAlone} of {answers} questions were answered without looking at payloads");
    }

    [Fact]
    public void A_uuid_is_the_same_value_in_each_of_its_spellings_where_an_index_says_that_it_is_one()
    {
        var filter = FilterParser.Parse("""{"must":[{"key":"owner","match":{"value":"936DA01F-9ABD-4D9D-80C7-02AF85C822A8"}}]}""")!;
        Assert.Equal([false, true, false, false, false], Owners.Select(owner => Passes(filter, owner)));
        var declared = filter.AsDeclared(DeclaredKeys.Of(ImmutableSortedDictionary<string, string>.Empty.Add("owner", "\"uuid\"")));
        Assert.Equal([true, true, true, false, false], Owners.Select(owner => Passes(declared, owner)));

        static bool Passes(Filter filter, string owner)
        {
            using var payload = JsonDocument.Parse($$"""{"owner":"{{owner}}"}""");
            return filter.Passes(new FilterSubject(PointId.Of(1UL), payload.RootElement, _ => false));
        }
    }

    private static Payload Random(Random dice)
    {
        var parts = new List<string>();
        if (dice.Next(5) > 0) parts.Add($"\"n\":{dice.Next(100)}");
        if (dice.Next(5) > 0) parts.Add($"\"colour\":\"{Words[dice.Next(3)]}\"");
        if (dice.Next(5) > 0) parts.Add($"\"flag\":{(dice.Next(2) == 0 ? "true" : "false")}");
        if (dice.Next(5) > 0) parts.Add($"\"tags\":[\"t{dice.Next(5)}\",\"t{dice.Next(5)}\"]");
        if (dice.Next(5) > 0) parts.Add($"\"text\":\"{Words[dice.Next(6)]}\"");
        if (dice.Next(5) > 0) parts.Add(string.Create(CultureInfo.InvariantCulture, $"\"when\":\"2024-{dice.Next(1, 4):00}-{dice.Next(1, 28):00}T{dice.Next(24):00}:00:00Z\""));
        if (dice.Next(5) > 0) parts.Add(string.Create(CultureInfo.InvariantCulture, $"\"at\":{{\"lon\":{dice.Next(0, 20)},\"lat\":{dice.Next(40, 65)}}}"));
        if (dice.Next(5) > 0) parts.Add($"\"owner\":\"{Owners[dice.Next(Owners.Length)]}\"");
        if (dice.Next(5) > 0) parts.Add($$"""
            "deep":{"inner":[{"x":{{dice.Next(3)}}},{"x":{{dice.Next(3)}}}]}
            """);
        return Payload.From(JsonDocument.Parse("{" + string.Join(',', parts) + "}").RootElement);
    }
}
