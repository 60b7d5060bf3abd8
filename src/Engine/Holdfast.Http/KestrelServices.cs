using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Holdfast.Http;

/// <summary>
/// The services that Kestrel looks up for itself. In the clear none; its TLS middleware wants its own metrics, whose type it keeps to itself and
/// registers only with a host's builder. So this is as much of a builder as it takes to let Kestrel register them.
/// </summary>
internal sealed class KestrelServices : IWebHostBuilder
{
    private readonly ServiceCollection services = [];

    private KestrelServices()
    {
    }

    /// <summary>What to give to Kestrel's options.</summary>
    public static IServiceProvider For(ILoggerFactory logging, bool hasTls)
    {
        var builder = new KestrelServices();
        builder.services.AddSingleton(logging);
        if (hasTls)
        {
            builder.services.AddMetrics();
            builder.UseKestrelCore();
        }

        return builder.services.BuildServiceProvider();
    }

    IWebHostBuilder IWebHostBuilder.ConfigureServices(Action<IServiceCollection> configureServices)
    {
        configureServices(services);
        return this;
    }

    IWebHostBuilder IWebHostBuilder.ConfigureServices(Action<WebHostBuilderContext, IServiceCollection> configureServices)
    {
        configureServices(new WebHostBuilderContext(), services);
        return this;
    }

#pragma warning disable ASPDEPR008 // The interface that Kestrel registers itself with still names the old host.
    IWebHost IWebHostBuilder.Build() => throw new NotSupportedException("there is no host");
#pragma warning restore ASPDEPR008

    IWebHostBuilder IWebHostBuilder.ConfigureAppConfiguration(Action<WebHostBuilderContext, IConfigurationBuilder> configureDelegate) => this;

    string? IWebHostBuilder.GetSetting(string key) => null;

    IWebHostBuilder IWebHostBuilder.UseSetting(string key, string? value) => this;
}
