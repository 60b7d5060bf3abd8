using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>A node's certificate with its key, the authorities that it and its peers chain to, and the authorities between the two, where there are any.</summary>
public sealed record TlsMaterial(X509Certificate2 Own, X509Certificate2[] Authorities, X509Certificate2[] Intermediates);

/// <summary>A folder of certificates that cannot be used; the message says why and what to do.</summary>
public sealed class TlsFolderException(string message) : Exception(message);

/// <summary>
/// The PEM files of a node's certificates: <c>ca.pem</c> (the cluster's authority; two while it is rolled over), <c>node.pem</c>, <c>node.key</c>, and, on a node that
/// signs for joiners, <c>ca.key</c>. Written by <c>holdfast cert</c>, by joining, or by an operator's own tools, which may lay them elsewhere (<see cref="OfFiles"/>). Files are replaced whole, never changed in place.
/// </summary>
public sealed class TlsFolder(string path)
{
    /// <summary>The authority's certificate.</summary>
    public const string AuthorityFile = "ca.pem";

    /// <summary>The authority's private key, where this node signs.</summary>
    public const string AuthorityKeyFile = "ca.key";

    /// <summary>The node's certificate.</summary>
    public const string CertificateFile = "node.pem";

    /// <summary>The node's private key.</summary>
    public const string KeyFile = "node.key";

    private const UnixFileMode PrivateFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode ForOthers =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private static readonly string[] Needed = [AuthorityFile, CertificateFile, KeyFile];

    private readonly Dictionary<string, string> elsewhere = [];

    /// <summary>Where it is.</summary>
    public string FullPath { get; } = Path.GetFullPath(path);

    /// <summary>The files of an authority that is not ours, wherever they lie and whatever they are called. Nothing is written there, and the node does not sign.</summary>
    /// <param name="certificate">The node's certificate; after it, the authorities between it and the one in <paramref name="authority"/>, if there are any.</param>
    /// <param name="key">Its private key.</param>
    /// <param name="authority">What all nodes' certificates chain to.</param>
    public static TlsFolder OfFiles(string certificate, string key, string authority)
    {
        var folder = new TlsFolder(Path.GetDirectoryName(Path.GetFullPath(certificate))!);
        if (Path.GetFullPath(certificate) == folder.At(CertificateFile) && Path.GetFullPath(key) == folder.At(KeyFile) && Path.GetFullPath(authority) == folder.At(AuthorityFile)) return folder;
        foreach (var (name, file) in ((string, string)[])[(CertificateFile, certificate), (KeyFile, key), (AuthorityFile, authority)]) folder.elsewhere.Add(name, Path.GetFullPath(file));
        return folder;
    }

    /// <summary>Whether all that TLS needs is there.</summary>
    public bool IsComplete => Needed.All(Has);

    /// <summary>Whether this node signs for joiners.</summary>
    public bool Signs => elsewhere.Count == 0 && Has(AuthorityKeyFile);

    /// <summary>Changes whenever a file was replaced.</summary>
    public string Stamp() => string.Join(' ', Needed.Append(AuthorityKeyFile).Select(name => new FileInfo(At(name))).Select(file => file.Exists ? $"{file.LastWriteTimeUtc.Ticks}/{file.Length}" : "-"));

    /// <summary>Whether the folder has the file.</summary>
    public bool Has(string name) => File.Exists(At(name));

    /// <summary>Reads and checks the certificates.</summary>
    /// <exception cref="TlsFolderException">They cannot be used.</exception>
    public TlsMaterial Load()
    {
        foreach (var name in Needed)
            if (!Has(name)) throw new TlsFolderException($"{At(name)} is missing: make it with holdfast cert node, or put the operator's own file there");
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(At(AuthorityFile));
            if (authorities.Count == 0) throw new TlsFolderException($"{At(AuthorityFile)} holds no certificate: put the authority's certificate there, in PEM");
            var own = X509Certificate2.CreateFromPemFile(At(CertificateFile), At(KeyFile));
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(At(CertificateFile));
            X509Certificate2[] intermediates = [.. chain.Skip(1)];
            var now = DateTime.Now;
            if (now > own.NotAfter || now < own.NotBefore)
                throw new TlsFolderException($"{At(CertificateFile)} holds from {own.NotBefore:u} to {own.NotAfter:u}, and it is {now:u}: make a new one with holdfast cert node, or set the clock");
            if (!PeerTls.IsSigned(own, [.. authorities], intermediates))
                throw new TlsFolderException($"{At(CertificateFile)} is not signed by the authority in {At(AuthorityFile)}: it is of another cluster, or the two were mixed up; copy both from the same place");
            return new TlsMaterial(own, [.. authorities], intermediates);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new TlsFolderException($"the certificates in {FullPath} cannot be read: {unreadable.Message} Expected are PEM files, {Path.GetFileName(At(KeyFile))} being the key of {Path.GetFileName(At(CertificateFile))}");
        }
    }

    /// <summary>The authority with its key; null where this node does not sign.</summary>
    /// <exception cref="TlsFolderException">The key cannot be used.</exception>
    public CertificateAuthority? OpenAuthority()
    {
        if (!Signs) return null;
        try
        {
            return CertificateAuthority.FromPem(File.ReadAllText(At(AuthorityFile)), File.ReadAllText(At(AuthorityKeyFile)));
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new TlsFolderException($"{At(AuthorityKeyFile)} cannot be used: {unreadable.Message} It must be the key of {AuthorityFile}");
        }
    }

    /// <summary>The node's key; made now, and kept, when there is none.</summary>
    public NodeKey OpenKey()
    {
        if (Has(KeyFile)) return NodeKey.FromPem(File.ReadAllText(At(KeyFile)));
        var key = NodeKey.Create();
        WriteSecret(KeyFile, key.ToPem());
        return key;
    }

    /// <summary>Writes a certificate file.</summary>
    public void Write(string name, string pem) => Replace(name, pem, PrivateFile | UnixFileMode.GroupRead | UnixFileMode.OtherRead);

    /// <summary>Writes a private key, for its owner's eyes only.</summary>
    public void WriteSecret(string name, string pem) => Replace(name, pem, PrivateFile);

    /// <summary>What others could read or change here and must not, a sentence each.</summary>
    public IReadOnlyList<string> TooOpen()
    {
        if (OperatingSystem.IsWindows()) return [];
        var found = new List<string>();
        foreach (var name in (string[])[KeyFile, AuthorityKeyFile])
            if (Has(name) && (File.GetUnixFileMode(At(name)) & ForOthers) != 0) found.Add($"{At(name)} is a private key that other users can open: chmod 600 {At(name)}");
        return found;
    }

    private string At(string name) => elsewhere.GetValueOrDefault(name) ?? Path.Combine(FullPath, name);

    private void Replace(string name, string text, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(FullPath);
        else Directory.CreateDirectory(FullPath, PrivateFolder);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        var beside = At(name) + ".new";
        File.Delete(beside); // One that a crash left behind keeps its own mode.
        using (var file = new FileStream(beside, options))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(text.TrimEnd('\n') + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(beside, At(name), overwrite: true);
    }
}
