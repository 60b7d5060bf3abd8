using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Cluster;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast cert</c>: the authority of a new cluster and its founders' certificates, made offline; joiners get theirs with a token.</summary>
internal static class CertCommand
{
    private const int DaysMax = 3650;

    internal static Command Create()
    {
        var command = new Command("cert", "Certificates between nodes: an authority, a node's certificate, what a folder holds.") { CreateAuthority(), CreateNode(), CreateShow() };
        Report.AddTo(command);
        return command;
    }

    private static Command CreateAuthority()
    {
        var command = new Command("ca", "Makes the authority of a cluster: ca.pem and ca.key. Keep ca.key safe: whoever has it can become a node.");
        var output = new Option<string>("--out") { Description = "The folder to write.", Required = true };
        var name = new Option<string>("--name") { Description = "What it is called.", DefaultValueFactory = _ => "Holdfast cluster authority" };
        command.Options.Add(output);
        command.Options.Add(name);
        command.SetAction(parsed => Try(parsed, () =>
        {
            var folder = new TlsFolder(parsed.GetValue(output)!);
            if (folder.Signs || folder.Has(TlsFolder.AuthorityFile)) return Refuse(parsed, $"{folder.FullPath} holds an authority already: it is not overwritten, because every certificate that it signed would be worthless");
            using var authority = CertificateAuthority.Create(parsed.GetValue(name)!, DateTimeOffset.UtcNow);
            folder.WriteSecret(TlsFolder.AuthorityKeyFile, authority.KeyPem());
            folder.Write(TlsFolder.AuthorityFile, authority.CertificatePem());
            Report.Done(parsed, $"{folder.FullPath}: ca.pem, ca.key; SHA-256 {Convert.ToHexStringLower(authority.Fingerprint)}");
            return 0;
        }));
        return command;
    }

    private static Command CreateNode()
    {
        var command = new Command("node", "Makes a node's folder for --tls: ca.pem, node.pem and node.key, signed by the authority in --ca.");
        var name = new Argument<string>("name") { Description = "The node's name, as its --name will be." };
        var authorityFolder = new Option<string>("--ca") { Description = "The folder that holdfast cert ca wrote.", Required = true };
        var output = new Option<string>("--out") { Description = "The folder to write.", Required = true };
        var hosts = new Option<string[]>("--host") { Description = "A host name or address under which the node is reached; may be repeated.", DefaultValueFactory = _ => [] };
        var days = new Option<int>("--days") { Description = $"How long it holds, 1 to {DaysMax} days.", DefaultValueFactory = _ => 365 };
        var signs = new Option<bool>("--signs") { Description = "Also puts ca.key there: this node signs for those who join with a token." };
        command.Arguments.Add(name);
        foreach (var option in (Option[])[authorityFolder, output, hosts, days, signs]) command.Options.Add(option);
        command.SetAction(parsed => Try(parsed, () =>
        {
            var source = new TlsFolder(parsed.GetValue(authorityFolder)!);
            using var authority = source.OpenAuthority();
            if (authority is null) return Refuse(parsed, $"{source.FullPath} holds no ca.key: make an authority with holdfast cert ca --out {source.FullPath}");
            var lifetime = parsed.GetValue(days);
            if (lifetime is < 1 or > DaysMax) return Refuse(parsed, $"--days {lifetime}: give 1 to {DaysMax}");
            var folder = new TlsFolder(parsed.GetValue(output)!);
            if (folder.FullPath == source.FullPath) return Refuse(parsed, "--out is the authority's own folder: give each node a folder of its own");
            WriteNode(folder, authority, parsed.GetValue(name)!, parsed.GetValue(hosts)!, TimeSpan.FromDays(lifetime));
            if (parsed.GetValue(signs)) folder.WriteSecret(TlsFolder.AuthorityKeyFile, authority.KeyPem());
            Report.Done(parsed, $"{folder.FullPath}: ca.pem, node.pem, node.key{(parsed.GetValue(signs) ? ", ca.key" : "")}; start the node with --tls {folder.FullPath}");
            return 0;
        }));
        return command;
    }

    /// <summary>Made anew with the key that is there already: a renewal. The key of a new folder is made here.</summary>
    private static void WriteNode(TlsFolder folder, CertificateAuthority authority, string name, string[] hosts, TimeSpan lifetime)
    {
        using var key = folder.OpenKey();
        var der = authority.Issue(key.SigningRequest(name), name, hosts, DateTimeOffset.UtcNow, lifetime)
            ?? throw new TlsFolderException($"the key in {folder.FullPath} is not an ECDSA P-256 key: remove node.key, and a new one is made");
        using var certificate = X509CertificateLoader.LoadCertificate(der);
        folder.Write(TlsFolder.AuthorityFile, authority.CertificatePem());
        folder.Write(TlsFolder.CertificateFile, certificate.ExportCertificatePem());
    }

    private static Command CreateShow()
    {
        var command = new Command("show", "Says what a folder holds, and what is wrong with it.");
        var path = new Argument<string>("folder") { Description = "A folder for --tls." };
        command.Arguments.Add(path);
        command.SetAction(parsed => Try(parsed, () =>
        {
            var folder = new TlsFolder(parsed.GetValue(path)!);
            var material = folder.Load();
            var authorities = material.Authorities.Select(authority => $"{authority.Subject}, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(authority.RawData))}").ToList();
            var row = new CertificateRow(material.Own.Subject, material.Own.NotBefore.ToUniversalTime(), material.Own.NotAfter.ToUniversalTime(), authorities, folder.Signs, [.. folder.TooOpen()]);
            Report.One(parsed, row, ReportJson.Readable.CertificateRow, string.Join('\n', (string[])
            [
                $"node       {row.Node}",
                $"holds      {row.NotBefore:u} to {row.NotAfter:u}",
                .. authorities.Select(authority => $"authority  {authority}"),
                $"signs      {(row.Signs ? "yes: ca.key is here" : "no")}",
                .. row.Warnings.Select(warning => $"warning    {warning}"),
            ]));
            return 0;
        }));
        return command;
    }

    private static int Try(ParseResult parsed, Func<int> act)
    {
        try
        {
            return act();
        }
        catch (Exception fault) when (fault is TlsFolderException or IOException or UnauthorizedAccessException)
        {
            return Refuse(parsed, fault.Message);
        }
    }

    private static int Refuse(ParseResult parsed, string why) => new Failure(ErrorCode.Refused, why).Say(parsed);
}
