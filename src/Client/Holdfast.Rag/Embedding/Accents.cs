using System.Globalization;
using System.Text;

namespace Holdfast.Rag.Embedding;

/// <summary>
/// Takes accents off letters, as canonical decomposition without its marks does (Unicode, UAX 15). .NET's own decomposition needs ICU, which these programs do without; without it <c>string.Normalize</c> gives
/// text back as it came. The table is drawn from the Unicode database: all letters of the basic plane that are one letter and marks. Korean syllables fall into their letters by arithmetic.
/// </summary>
internal static class Accents
{
    private const string Composed =
        "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİĴĵĶķĹĺĻļĽľŃń" +
        "ŅņŇňŌōŎŏŐőŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžƠơƯưǍǎǏǐǑǒǓǔǕǖǗǘǙǚǛǜǞǟǠǡǢǣǦǧǨǩǪǫǬǭǮǯǰǴǵǸǹǺǻǼǽǾǿȀȁȂȃȄȅȆȇȈȉȊȋ" +
        "ȌȍȎȏȐȑȒȓȔȕȖȗȘșȚțȞȟȦȧȨȩȪȫȬȭȮȯȰȱȲȳ\u0374\u037E\u0385Ά\u0387ΈΉΊΌΎΏΐΪΫάέήίΰϊϋόύώϓϔЀЁЃЇЌЍЎЙйѐёѓїќѝўѶѷӁӂӐӑӒӓӖӗӚӛӜӝӞӟӢӣӤӥӦӧӪӫӬӭӮӯӰӱӲӳӴӵӸӹ" +
        "\u0622\u0623\u0624\u0625\u0626\u06C0\u06C2\u06D3ऩऱऴक़ख़ग़ज़ड़ढ़फ़य़ড়ঢ়য়ਲ਼ਸ਼ਖ਼ਗ਼ਜ਼ਫ਼ଡ଼ଢ଼གྷཌྷདྷབྷཛྷཀྵဦḀḁḂḃḄḅḆḇḈḉḊḋḌḍḎḏḐḑḒḓḔḕḖḗḘḙḚḛḜḝḞḟḠḡḢḣḤḥḦḧḨḩḪḫḬḭḮḯḰḱḲḳḴḵḶḷḸḹḺḻḼḽḾḿṀṁṂṃṄṅṆṇṈ" +
        "ṉṊṋṌṍṎṏṐṑṒṓṔṕṖṗṘṙṚṛṜṝṞṟṠṡṢṣṤṥṦṧṨṩṪṫṬṭṮṯṰṱṲṳṴṵṶṷṸṹṺṻṼṽṾṿẀẁẂẃẄẅẆẇẈẉẊẋẌẍẎẏẐẑẒẓẔẕẖẗẘẙẛẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặẸẹẺẻ" +
        "ẼẽẾếỀềỂểỄễỆệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợỤụỦủỨứỪừỬửỮữỰựỲỳỴỵỶỷỸỹἀἁἂἃἄἅἆἇἈἉἊἋἌἍἎἏἐἑἒἓἔἕἘἙἚἛἜἝἠἡἢἣἤἥἦἧἨἩἪἫἬἭἮἯἰἱἲἳ" +
        "ἴἵἶἷἸἹἺἻἼἽἾἿὀὁὂὃὄὅὈὉὊὋὌὍὐὑὒὓὔὕὖὗὙὛὝὟὠὡὢὣὤὥὦὧὨὩὪὫὬὭὮὯὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾈᾉᾊᾋᾌᾍᾎᾏᾐᾑᾒᾓᾔᾕᾖᾗᾘᾙᾚᾛᾜᾝᾞᾟᾠᾡᾢᾣᾤᾥᾦᾧᾨᾩᾪᾫ" +
        "ᾬᾭᾮᾯᾰᾱᾲᾳᾴᾶᾷᾸᾹᾺΆᾼι\u1FC1ῂῃῄῆῇῈΈῊΉῌ\u1FCD\u1FCE\u1FCFῐῑῒΐῖῗῘῙῚΊ\u1FDD\u1FDE\u1FDFῠῡῢΰῤῥῦῧῨῩῪΎῬ\u1FED\u1FEE\u1FEFῲῳῴῶῷῸΌῺΏῼ\u1FFDΩKÅ\u219A\u219B\u21AE\u21CD\u21CE\u21CF\u2204\u2209\u220C\u2224\u2226\u2241\u2244\u2247\u2249\u2260\u2262\u226D\u226E\u226F\u2270\u2271\u2274\u2275\u2278\u2279\u2280\u2281\u2284\u2285\u2288\u2289\u22AC\u22AD\u22AE\u22AF" +
        "\u22E0\u22E1\u22E2\u22E3\u22EA\u22EB\u22EC\u22ED\u2329\u232A\u2ADCがぎぐげござじずぜぞだぢづでどばぱびぴぶぷべぺぼぽゔゞガギグゲゴザジズゼゾダヂヅデドバパビピブプベペボポヴヷヸヹヺヾ\uFB1D\uFB1F\uFB2A\uFB2B\uFB2C\uFB2D\uFB2E\uFB2F\uFB30\uFB31\uFB32\uFB33\uFB34\uFB35\uFB36\uFB38\uFB39\uFB3A\uFB3B\uFB3C\uFB3E\uFB40\uFB41\uFB43\uFB44\uFB46\uFB47\uFB48\uFB49\uFB4A\uFB4B\uFB4C\uFB4D\uFB4E";

    private const string Bare =
        "AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyyAaAaAaCcCcCcCcDdEeEeEeEeEeGgGgGgGgHhIiIiIiIiIJjKkLlLlLlNn" +
        "NnNnOoOoOoRrRrRrSsSsSsSsTtTtUuUuUuUuUuUuWwYyYZzZzZzOoUuAaIiOoUuUuUuUuUuAaAaÆæGgKkOoOoƷʒjGgNnAaÆæØøAaAaEeEeIiIi" +
        "OoOoRrRrUuUuSsTtHhAaEeOoOoOoOoYy\u02B9;\u00A8Α\u00B7ΕΗΙΟΥΩιΙΥαεηιυιυουωϒϒЕЕГІКИУИиеегікиуѴѵЖжАаАаЕеӘәЖжЗзИиИиОоӨөЭэУуУуУуЧчЫы" +
        "\u0627\u0627\u0648\u0627\u064A\u06D5\u06C1\u06D2नरळकखगजडढफयডঢযਲਸਖਗਜਫଡଢགཌདབཛཀဥAaBbBbBbCcDdDdDdDdDdEeEeEeEeEeFfGgHhHhHhHhHhIiIiKkKkKkLlLlLlLlMmMmMmNnNnN" +
        "nNnOoOoOoOoPpPpRrRrRrRrSsSsSsSsSsTtTtTtTtUuUuUuUuUuVvVvWwWwWwWwWwXxXxYyZzZzZzhtwyſAaAaAaAaAaAaAaAaAaAaAaAaEeEe" +
        "EeEeEeEeEeEeIiIiOoOoOoOoOoOoOoOoOoOoOoOoUuUuUuUuUuUuUuYyYyYyYyααααααααΑΑΑΑΑΑΑΑεεεεεεΕΕΕΕΕΕηηηηηηηηΗΗΗΗΗΗΗΗιιιι" +
        "ιιιιΙΙΙΙΙΙΙΙοοοοοοΟΟΟΟΟΟυυυυυυυυΥΥΥΥωωωωωωωωΩΩΩΩΩΩΩΩααεεηηιιοουυωωααααααααΑΑΑΑΑΑΑΑηηηηηηηηΗΗΗΗΗΗΗΗωωωωωωωωΩΩΩΩ" +
        "ΩΩΩΩαααααααΑΑΑΑΑι\u00A8ηηηηηΕΕΗΗΗ\u1FBF\u1FBF\u1FBFιιιιιιΙΙΙΙ\u1FFE\u1FFE\u1FFEυυυυρρυυΥΥΥΥΡ\u00A8\u00A8`ωωωωωΟΟΩΩΩ\u00B4ΩKA\u2190\u2192\u2194\u21D0\u21D4\u21D2\u2203\u2208\u220B\u2223\u2225\u223C\u2243\u2245\u2248=\u2261\u224D<>\u2264\u2265\u2272\u2273\u2276\u2277\u227A\u227B\u2282\u2283\u2286\u2287\u22A2\u22A8\u22A9\u22AB" +
        "\u227C\u227D\u2291\u2292\u22B2\u22B3\u22B4\u22B5\u3008\u3009\u2ADDかきくけこさしすせそたちつてとははひひふふへへほほうゝカキクケコサシスセソタチツテトハハヒヒフフヘヘホホウワヰヱヲヽ\u05D9\u05F2\u05E9\u05E9\u05E9\u05E9\u05D0\u05D0\u05D0\u05D1\u05D2\u05D3\u05D4\u05D5\u05D6\u05D8\u05D9\u05DA\u05DB\u05DC\u05DE\u05E0\u05E1\u05E3\u05E4\u05E6\u05E7\u05E8\u05E9\u05EA\u05D5\u05D1\u05DB\u05E4";

    private const int SyllableFirst = 0xAC00;
    private const int SyllableLast = 0xD7A3;

    /// <summary>Appends what is left of a letter; nothing of a mark that stands by itself.</summary>
    public static void AppendBare(StringBuilder target, Rune letter)
    {
        if (letter.Value is >= SyllableFirst and <= SyllableLast) AppendSyllable(target, letter.Value - SyllableFirst);
        else if (letter.IsBmp && letter.Value >= Composed[0] && Composed.AsSpan().BinarySearch((char)letter.Value) is >= 0 and var at) target.Append(Bare[at]);
        else if (Rune.GetUnicodeCategory(letter) != UnicodeCategory.NonSpacingMark) target.Append(letter);
    }

    /// <summary>Twenty-eight syllables for each vowel, twenty-one vowels for each beginning (Unicode 3.12).</summary>
    private static void AppendSyllable(StringBuilder target, int number)
    {
        target.Append((char)(0x1100 + (number / 588))).Append((char)(0x1161 + (number % 588 / 28)));
        if (number % 28 > 0) target.Append((char)(0x11A7 + (number % 28)));
    }
}
