using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Primitives;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Hosting;

/// <summary>
/// A node's log, a line an event: text for people, JSON for programs (R1.12) with <c>time, severity, event_type, event_id, node_id, node, message</c> and, where they apply,
/// <c>group, term, index, duration_ms</c>. Also what Kestrel logs to. Lines are written whole; from any thread.
/// </summary>
internal sealed class NodeLog(TextWriter output, bool isJson, string node) : ILoggerFactory
{
    private readonly Lock gate = new();
    private volatile string nodeId = "";

    /// <summary>The node's id is known from here on.</summary>
    public void Identify(NodeId id) => nodeId = id.ToString();

    /// <summary>Something happened.</summary>
    public void Say(NodeEvent happened, string message, EventPlace? place = null, TimeSpan? took = null) => Write(LogLevel.Information, happened.Type, happened.Id, message, place, took);

    /// <summary>Something should be looked at.</summary>
    public void Warn(NodeEvent happened, string message, EventPlace? place = null) => Write(LogLevel.Warning, happened.Type, happened.Id, message, place, null);

    /// <summary>Something must be looked at now.</summary>
    public void Fail(NodeEvent happened, string message, EventPlace? place = null) => Write(LogLevel.Error, happened.Type, happened.Id, message, place, null);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("a node logs to one place");

    /// <inheritdoc/>
    public void Dispose() => output.Flush();

    private void Write(LogLevel level, string eventType, int eventId, string message, EventPlace? place, TimeSpan? took)
    {
        var line = isJson ? Json(level, eventType, eventId, message, place, took) : $"{DateTime.UtcNow:HH:mm:ss.fff} {Word(level),-5} {node} {eventType}: {message}";
        lock (gate)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    private string Json(LogLevel level, string eventType, int eventId, string message, EventPlace? place, TimeSpan? took)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            json.WriteStartObject();
            json.WriteString("time", DateTime.UtcNow);
            json.WriteString("severity", Word(level));
            json.WriteString("event_type", eventType);
            json.WriteNumber("event_id", eventId);
            json.WriteString("node_id", nodeId);
            json.WriteString("node", node);
            if (place is { } at)
            {
                json.WriteNumber("group", at.Group);
                json.WriteNumber("term", at.Term);
                json.WriteNumber("index", at.Index);
            }

            if (took is { } duration) json.WriteNumber("duration_ms", Math.Round(duration.TotalMilliseconds, 3));
            json.WriteString("message", message);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    /// <summary>Lines are read by people too, and never become part of a page: quotes stay quotes.</summary>
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Warning => "warn",
        LogLevel.Error or LogLevel.Critical => "error",
        LogLevel.Information => "info",
        _ => "debug",
    };

    /// <summary>One source of events inside the node; libraries are heard from Information up when they are ours, from Warning up when not.</summary>
    private sealed class Category(NodeLog log, string name) : ILogger
    {
        private readonly LogLevel least = name.StartsWith("Holdfast", StringComparison.Ordinal) ? LogLevel.Information : LogLevel.Warning;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var message = formatter(state, exception);
            log.Write(logLevel, eventId.Name ?? name, eventId.Id, exception is null ? message : $"{message}: {exception.Message}", null, null);
        }
    }
}
