using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Hosting;

/// <summary>
/// A node's log, a line an event: text for people, JSON for programs (R1.12) with <c>time, level, node_id, event_type, message</c>. Also what Kestrel logs to.
/// Lines are written whole; from any thread.
/// </summary>
internal sealed class NodeLog(TextWriter output, bool isJson, string node) : ILoggerFactory
{
    private readonly Lock gate = new();

    /// <summary>Something happened.</summary>
    public void Say(string eventType, string message) => Write(LogLevel.Information, eventType, message);

    /// <summary>Something should be looked at.</summary>
    public void Warn(string eventType, string message) => Write(LogLevel.Warning, eventType, message);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("a node logs to one place");

    /// <inheritdoc/>
    public void Dispose() => output.Flush();

    private void Write(LogLevel level, string eventType, string message)
    {
        var line = isJson ? Json(level, eventType, message) : $"{DateTime.UtcNow:HH:mm:ss.fff} {Word(level),-5} {node} {eventType}: {message}";
        lock (gate) output.WriteLine(line);
    }

    private string Json(LogLevel level, string eventType, string message)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", DateTime.UtcNow);
            json.WriteString("level", Word(level));
            json.WriteString("node_id", node);
            json.WriteString("event_type", eventType);
            json.WriteString("message", message);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

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
            log.Write(logLevel, eventId.Name ?? name, exception is null ? message : $"{message}: {exception.Message}");
        }
    }
}
