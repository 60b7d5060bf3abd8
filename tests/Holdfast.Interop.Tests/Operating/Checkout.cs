namespace Holdfast.Interop.Tests.Operating;

/// <summary>The checkout that this test was built from.</summary>
internal static class Checkout
{
    public static string PathOf(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Holdfast.slnx"))) return Path.Combine(folder.FullName, path);
        throw new InvalidOperationException("run inside a checkout: no Holdfast.slnx above the test program");
    }
}
