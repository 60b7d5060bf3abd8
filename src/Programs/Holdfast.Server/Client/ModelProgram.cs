using System.Diagnostics;
using System.Text.Json;

namespace Holdfast.Server.Client;

/// <summary>The program <c>holdfast-models</c>, started for one verb: it loads models from files and answers on a port of this machine that it chose; it ends when its input does. Native code that computes models stays out of this process.</summary>
internal sealed class ModelProgram : IAsyncDisposable
{
    /// <summary>Where the program is, if not beside this one.</summary>
    private const string Variable = "HOLDFAST_MODELS";

    private const string FileName = "holdfast-models";

    /// <summary>Large models are read from a slow disk.</summary>
    private static readonly TimeSpan StartMax = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(5);

    private readonly Process process;

    private ModelProgram(Process process, Uri url) => (this.process, Url) = (process, url);

    /// <summary>Where it answers, with /v1.</summary>
    public Uri Url { get; }

    /// <summary>The served model's name, which holds the beginning of its file's hash.</summary>
    /// <param name="kind">embedder, or reranker.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="HttpRequestException">The program is gone.</exception>
    public async Task<string> NameOfAsync(string kind, CancellationToken cancel)
    {
        using var http = new HttpClient();
        using var models = JsonDocument.Parse(await http.GetStringAsync(Url + "/models", cancel));
        return models.RootElement.GetProperty("data").EnumerateArray().First(model => model.GetProperty("kind").GetString() == kind).GetProperty("id").GetString()!;
    }

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="embed">The folder of an embedder; null for none.</param>
    /// <param name="rerank">The folder of a cross-encoder; null for none.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ArgumentException">The program is not there, or refuses the models.</exception>
    public static async Task<ModelProgram> StartAsync(string? embed, string? rerank, CancellationToken cancel)
    {
        var beside = Path.Combine(AppContext.BaseDirectory, FileName + (OperatingSystem.IsWindows() ? ".exe" : ""));
        var program = Environment.GetEnvironmentVariable(Variable) ?? (File.Exists(beside) ? beside : throw new ArgumentException($"ONNX models are run by {FileName}, which is not beside this program: build it (dotnet build src/Programs/Holdfast.Models -c Release), or say in {Variable} where it is"));
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["--listen", "127.0.0.1:0", "--until-input-ends", .. embed is null ? [] : (string[])["--embed", embed], .. rerank is null ? [] : (string[])["--rerank", rerank]]) start.ArgumentList.Add(word);
        // It is not to ask its only caller for the key that other servers get.
        start.Environment.Remove("HOLDFAST_MODEL_KEY");
        var process = StartOf(start);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(StartMax);
        try
        {
            var faults = process.StandardError.ReadToEndAsync(CancellationToken.None);
            if (await process.StandardOutput.ReadLineAsync(late.Token) is { } line && Uri.TryCreate(line, UriKind.Absolute, out var url)) return new ModelProgram(process, url);
            throw new ArgumentException($"{program} does not start: {(await faults).Trim()}");
        }
        catch
        {
            await EndAsync(process);
            throw;
        }
    }

    /// <summary>Lets it end.</summary>
    public async ValueTask DisposeAsync() => await EndAsync(process);

    private static Process StartOf(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception absent)
        {
            throw new ArgumentException($"{start.FileName} cannot be started: {absent.Message}", absent);
        }
    }

    private static async Task EndAsync(Process process)
    {
        using var ended = process;
        process.StandardInput.Close();
        using var late = new CancellationTokenSource(StopMax);
        try
        {
            await process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }
    }
}
