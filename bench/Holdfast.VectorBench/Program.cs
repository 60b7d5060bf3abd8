using System.Globalization;
using Holdfast.VectorBench;
using Holdfast.Vectors.Graphs;

// usage: Holdfast.VectorBench FOLDER NAME truth|float32|int8|usearch [ROUNDS]
var set = DataSet.Read(args[0], args[1]);
var rounds = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 3;
switch (args[2])
{
    case "truth":
        Console.WriteLine(BruteForce.Hardness(set));
        break;
    case "usearch":
        new Contest("usearch", set, rounds).Run(new USearchSubject(set));
        break;
    case "int8":
        new Contest("holdfast-int8", set, rounds).Run(new OwnSubject(set, GraphEncoding.Int8));
        break;
    default:
        new Contest("holdfast-float32", set, rounds).Run(new OwnSubject(set, GraphEncoding.Exact));
        break;
}
