using Holdfast.Replication;
using Holdfast.Server.Configuration;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Holdfast.Server.Hosting;

/// <summary>Sends traces by OTLP over HTTP to where <c>--otlp</c> says; without it nobody listens, and tracing costs nothing. No telemetry leaves a cluster unasked.</summary>
internal static class TraceExport
{
    /// <summary>Begins; null when it is not wanted. Dispose it last: that sends what waits.</summary>
    public static IDisposable? Begin(ServerPlan plan)
    {
        if (plan.Otlp is null) return null;
        return Sdk.CreateTracerProviderBuilder()
            .AddSource(WriteTrace.Source.Name, "Holdfast.Endpoints")
            .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService("holdfast", serviceInstanceId: plan.Name))
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(plan.OtlpShare)))
            .AddOtlpExporter(export =>
            {
                export.Protocol = OtlpExportProtocol.HttpProtobuf;
                export.Endpoint = new Uri(plan.Otlp, "v1/traces");
            })
            .Build();
    }
}
